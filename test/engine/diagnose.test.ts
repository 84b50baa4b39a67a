import { describe, expect, it } from 'vitest';
import { diagnoseExit } from '../../src/engine/diagnose.ts';

const exitCode = (code: number): { kind: 'exited'; exitCode: number } => ({ kind: 'exited', exitCode: code });
const ERROR = '(EngineCore pid=96) ERROR 11-24 12:23:12 [core.py:1510]';

/** Lines of real failing starts of vLLM 0.32 (GPU ones as its users quote them), and what is made of them. */
const KNOWN: readonly (readonly [code: string, retry: string, message: string, ...lines: string[]])[] = [
  [
    'unknown_flag',
    'never',
    'this vLLM does not know --nope-flag',
    '                     [model_tag]',
    'api_server.py: error: unrecognized arguments: --nope-flag',
  ],
  [
    'bad_flag',
    'never',
    "vLLM refuses a flag: argument --max-model-len: invalid human_readable_int_or_auto value: 'abc'",
    "api_server.py: error: argument --max-model-len: invalid human_readable_int_or_auto value: 'abc'",
  ],
  [
    'package_missing',
    'never',
    "a Python package is missing: No module named 'compressed_tensors'",
    "(Worker pid=1) ERROR 11-24 10:00:00 [multiproc_executor.py:870] ModuleNotFoundError: No module named 'compressed_tensors'",
    'RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}',
  ],
  [
    'model_missing',
    'never',
    'there is no model folder /models/none',
    "huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/models/none'. Use `repo_type` argument if needed.",
  ],
  [
    'model_broken',
    'never',
    "It looks like the config file at '/models/x/config.json' is not a valid JSON file.",
    "OSError: It looks like the config file at '/models/x/config.json' is not a valid JSON file.",
  ],
  [
    'context_too_long',
    'never',
    "a context of 10000000 tokens is longer than the model's 131072",
    'pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig',
    "  Value error, User-specified max_model_len (10000000) is greater than the derived max_model_len (max_position_embeddings=131072.0 or model_max_length=None in model's config.json).",
  ],
  [
    'context_too_long',
    'never',
    "To serve at least one request with the model's max seq len (131072), 4.5 GiB KV cache is needed, which is larger than the available KV cache memory (3.1 GiB). Based on the available memory, the estimated maximum model length is 90112.",
    `${ERROR} ValueError: To serve at least one request with the model's max seq len (131072), 4.5 GiB KV cache is needed, which is larger than the available KV cache memory (3.1 GiB). Based on the available memory, the estimated maximum model length is 90112.`,
  ],
  [
    'gpu_busy',
    'patiently',
    'Free memory on device cuda:0 (3.2/79.1 GiB) on startup is less than desired GPU memory utilization (0.92, 72.8 GiB).',
    `${ERROR} ValueError: Free memory on device cuda:0 (3.2/79.1 GiB) on startup is less than desired GPU memory utilization (0.92, 72.8 GiB).`,
    'RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}',
  ],
  [
    'gpu_out_of_memory',
    'backoff',
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.25 GiB.',
    `${ERROR} torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.25 GiB.`,
  ],
  [
    'memory_busy',
    'backoff',
    'Available memory on node 0 (12.26/18.21 GiB) on kv cache allocation is less than requested memory for kv (900.0 GiB)',
    '(Worker pid=2) ERROR 11-24 12:23:12 [multiproc_executor.py:1063] ValueError: Available memory on node 0 (12.26/18.21 GiB) on kv cache allocation is less than requested memory for kv (900.0 GiB). Decrease --kv-cache-memory-bytes',
  ],
  [
    'unsupported_gpu',
    'never',
    'Bfloat16 is only supported on GPUs with compute capability of at least 8.0.',
    `${ERROR} ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0.`,
  ],
  [
    'address_in_use',
    'at_once',
    'OSError: [Errno 98] Address already in use',
    '    sock.bind(path)',
    'OSError: [Errno 98] Address already in use',
  ],
  [
    'no_kv_cache',
    'never',
    'No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.',
    `${ERROR} ValueError: No available memory for the cache blocks. Try increasing \`gpu_memory_utilization\` when initializing the engine.`,
  ],
  [
    'unsupported_gpu',
    'never',
    'No MXFP4 MoE backend supports the deployment configuration.',
    `${ERROR} NotImplementedError: No MXFP4 MoE backend supports the deployment configuration.`,
  ],
  [
    'unsupported_gpu',
    'never',
    'no kernel image is available for execution on the device',
    `${ERROR} torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device`,
  ],
  [
    'driver_too_old',
    'never',
    'RuntimeError: CUDA driver version is insufficient for CUDA runtime version',
    'RuntimeError: CUDA driver version is insufficient for CUDA runtime version',
  ],
  [
    'vocabulary_missing',
    'never',
    'error downloading or loading vocab file: failed to download or load vocab file',
    'openai_harmony.HarmonyError: error downloading or loading vocab file: failed to download or load vocab file',
  ],
  [
    'disk_full',
    'backoff',
    'OSError: [Errno 28] No space left on device: /cache/x',
    'OSError: [Errno 28] No space left on device: /cache/x',
  ],
  [
    'download_refused',
    'backoff',
    'huggingface_hub.errors.GatedRepoError: 401 Client Error.',
    'huggingface_hub.errors.GatedRepoError: 401 Client Error.',
  ],
  [
    'download_refused',
    'backoff',
    'huggingface_hub.errors.LocalEntryNotFoundError: Cannot find the requested files in the disk cache',
    'huggingface_hub.errors.LocalEntryNotFoundError: Cannot find the requested files in the disk cache',
  ],
  [
    'gpu_communication',
    'backoff',
    'torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:3690, unhandled cuda error',
    `${ERROR} torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:3690, unhandled cuda error`,
  ],
  [
    'user_unknown',
    'never',
    "KeyError: 'getpwuid(): uid not found: 1234'",
    "KeyError: 'getpwuid(): uid not found: 1234'",
  ],
  [
    'engine_too_slow',
    'backoff',
    'Timed out waiting for engine core processes to start. This is often caused by slow weight loading.',
    'TimeoutError: Timed out waiting for engine core processes to start. This is often caused by slow weight loading.',
  ],
];

describe('the reason of an end', () => {
  for (const [code, retry, message, ...lines] of KNOWN) {
    it(`is "${message.slice(0, 80)}" for ${code}`, () => {
      const { remedy, ...failure } = diagnoseExit(exitCode(1), lines);
      expect(failure).toEqual({ code, message, retry });
      expect(remedy).toMatch(/\.$/);
    });
  }

  it('is the first exception when no text is known, not the wrapper around it', () => {
    const lines = [
      '(APIServer pid=1) INFO 11-24 10:00:00 [api_utils.py:286] non-default args: {}',
      'Traceback (most recent call last):',
      '(Worker pid=2) ERROR 11-24 10:00:01 [worker.py:1] RuntimeError: the cat sat on the card',
      'RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}',
      "  warnings.warn('resource_tracker: There appear to be %d '",
    ];
    expect(diagnoseExit(exitCode(1), lines)).toEqual({
      code: 'crashed',
      message: 'it exited with code 1: RuntimeError: the cat sat on the card',
      remedy: 'Its log file has the rest.',
      retry: 'backoff',
    });
  });

  it('is the last line when nothing looks like an error', () => {
    expect(diagnoseExit(exitCode(3), ['first', 'last words', '']).message).toBe('it exited with code 3: last words');
  });

  it('is not a remark that happens to name an error', () => {
    const lines = [
      '(APIServer pid=5) WARNING 11-24 12:21:02 [system_utils.py:255] This can cause fd limit errors like `OSError: [Errno 24] Too many open files`.',
      'INFO:     Application startup complete.',
      '[W1124 11:57:03.505 utils.cpp:68] Warning: NUMA binding error',
    ];
    expect(diagnoseExit(exitCode(0), lines).message).toBe(
      'it exited by itself (code 0) without a word about it in its log',
    );
  });

  it('names the worker that died, although the exit code is 0', () => {
    const died = 'Worker proc VllmWorker-0 died unexpectedly (exit code: -9), shutting down executor.';
    const line = `(EngineCore pid=96) ERROR 11-24 12:00:00 [multiproc_executor.py:280] ${died}`;
    expect(diagnoseExit(exitCode(0), [line])).toMatchObject({ code: 'engine_died', message: died, retry: 'backoff' });
  });

  it('is the error of the engine process, not the note of the server that it is dead', () => {
    const dead = [
      '(APIServer pid=1) ERROR 11-24 12:46:40 [async_llm.py:906] AsyncLLM output_handler failed.',
      '(APIServer pid=1) ERROR 11-24 12:46:40 [async_llm.py:906] vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. See stack trace (above) for the root cause.',
      'INFO:     Application shutdown complete.',
    ];
    const crash = [
      `${ERROR} EngineCore encountered a fatal error.`,
      `${ERROR} torch.AcceleratorError: CUDA error: an illegal memory access was encountered`,
    ];
    expect(diagnoseExit(exitCode(0), [...crash, ...dead])).toMatchObject({
      code: 'cuda_error',
      message: 'CUDA error: an illegal memory access was encountered',
    });
    expect(diagnoseExit(exitCode(0), dead).message).toBe(
      'it exited by itself (code 0) after its engine process had died without a word',
    );
  });

  it('is the signal when one ended it, with a hint at the memory for SIGKILL', () => {
    expect(diagnoseExit({ kind: 'killed', signal: 'SIGKILL' }, ['Error: unrelated'])).toEqual({
      code: 'crashed',
      message: 'it was ended from outside by SIGKILL',
      remedy: 'If nobody sent it, the kernel did for want of memory: see dmesg.',
      retry: 'backoff',
    });
  });

  it('repeats nothing but the name of an exception once requests were served, which it might quote', () => {
    const served = { hasServed: true };
    const lines = [`${ERROR} ValueError: cannot handle 'my secret prompt'`];
    expect(diagnoseExit(exitCode(1), lines, served).message).toBe(
      'it exited with code 1: ValueError; its log has the rest',
    );
    expect(diagnoseExit(exitCode(1), ['fatal: my secret prompt'], served).message).toBe(
      'it exited with code 1; its log has its last words',
    );
    expect(diagnoseExit(exitCode(0), [], served).message).toBe(
      'it exited by itself (code 0) without a word about it in its log',
    );
  });

  it('is told in words of its own where a known text stands in the log of one that has served', () => {
    const served = { hasServed: true };
    const secret = 'my secret prompt';
    for (const [code, text] of [
      ['gpu_lost', `${secret} NVML_ERROR_GPU_IS_LOST ${secret}`],
      ['gpu_out_of_memory', `torch.OutOfMemoryError: CUDA out of memory. ${secret}`],
      ['disk_full', `${secret}: No space left on device: ${secret}`],
      ['gpu_communication', `${secret} NCCL error ${secret}`],
      ['cuda_error', `CUDA error: ${secret}`],
      ['engine_died', `Worker proc ${secret} died unexpectedly ${secret}`],
    ] as const) {
      const failure = diagnoseExit(exitCode(1), [`${ERROR} ${text}`], served);
      expect(failure).toMatchObject({ code, retry: 'backoff' });
      expect(failure.message).not.toContain('secret');
      expect(failure.message).toContain('its log has the rest');
    }
  });

  it('is nothing that can only befall a start where one has served, whatever a request makes it say', () => {
    for (const [, , , ...lines] of KNOWN) {
      const { retry, message } = diagnoseExit(exitCode(1), lines, { hasServed: true });
      expect(retry).toBe('backoff');
      expect(message).not.toMatch(/nope|abc|compressed|models|cache\/x/);
    }
  });

  it('is the kernel where that ended a process meanwhile and nothing else is known', () => {
    const oomKilled = { oomKilled: true };
    const died = 'Worker proc VllmWorker-0 died unexpectedly (exit code: -9), shutting down executor.';
    expect(diagnoseExit(exitCode(0), [died], oomKilled)).toMatchObject({ code: 'host_out_of_memory' });
    expect(diagnoseExit(exitCode(2), ['vllm: error: unrecognized arguments: --nope'], oomKilled)).toMatchObject({
      code: 'unknown_flag',
    });
  });

  it('is the card where the driver has lost it', () => {
    for (const line of [
      'NVRM: Xid (PCI:0000:19:00): 79, pid=1, GPU has fallen off the bus.',
      'pynvml.NVMLError_Unknown: Unknown Error',
      'RuntimeError: CUDA error: uncorrectable ECC error encountered',
      'RuntimeError: No CUDA GPUs are available; CUDA-capable device(s) is/are busy or unavailable',
    ]) {
      expect([line, diagnoseExit(exitCode(1), [line]).code]).toEqual([line, 'gpu_lost']);
    }
  });

  it('is the missing program when it never started', () => {
    const exit = { kind: 'not_started', message: 'there is no program vllm', programMissing: true } as const;
    expect(diagnoseExit(exit, [])).toEqual({
      code: 'not_started',
      message: 'it could not be started: there is no program vllm',
      remedy: 'Install vLLM, or name the Python interpreter of its environment with --python.',
      retry: 'never',
    });
  });
});
