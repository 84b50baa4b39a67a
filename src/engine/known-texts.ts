import type { EngineFailure } from './failures.ts';

/** A text that explains an end, and what to do about it. */
interface KnownText {
  readonly code: string;
  readonly pattern: RegExp;
  /** The sentence; by default what the pattern matched. */
  readonly say?: (match: RegExpExecArray) => string;
  /** The sentence for an engine that has served; without one the text says nothing then but that a request has it. */
  readonly afterServing?: string;
  readonly remedy: string;
  readonly retry: EngineFailure['retry'];
}

/**
 * Texts of vLLM 0.2x to 0.32, of argparse and of the libraries below, most telling first: the first that occurs
 * anywhere is taken for the cause, because vLLM prints consequences after it.
 */
export const KNOWN_TEXTS: readonly KnownText[] = [
  {
    code: 'unknown_flag',
    pattern: /unrecognized arguments: (.+)/,
    say: (match) => `this vLLM does not know ${match[1]}`,
    remedy: 'Install vLLM 0.32, the version that Chorus is made for.',
    retry: 'never',
  },
  {
    code: 'bad_flag',
    pattern: /error: (argument --[\w-]+: .+)/,
    say: (match) => `vLLM refuses a flag: ${match[1]}`,
    remedy: 'Install vLLM 0.32, the version that Chorus is made for.',
    retry: 'never',
  },
  {
    code: 'package_missing',
    pattern: /(?:ModuleNotFoundError|ImportError): (.+)/,
    say: (match) => `a Python package is missing: ${match[1]}`,
    remedy: 'Repair the Python environment of vLLM, or name another with --python.',
    retry: 'never',
  },
  {
    code: 'gpu_lost',
    pattern:
      /.*(?:has fallen off the bus|GPU is lost|NVML_ERROR_GPU_IS_LOST|(?:NVML|nvml).{0,60}Unknown Error|uncorrectable ECC error encountered|CUDA-capable device\(s\) is\/are busy or unavailable|no CUDA-capable device is detected|\bXid\b.{0,40}: ?\d+).*/,
    afterServing: 'it has lost its card',
    remedy:
      'The driver has lost the card or the card is damaged: see dmesg and nvidia-smi; a reset or a reboot may bring it back.',
    retry: 'backoff',
  },
  {
    code: 'gpu_busy',
    pattern: /Free memory on device .{0,200}? is less than desired GPU memory utilization.*/,
    remedy: 'Another process holds memory of the card: nvidia-smi names it. End it, or leave the card out.',
    retry: 'patiently',
  },
  {
    code: 'gpu_out_of_memory',
    pattern: /(?:torch\.OutOfMemoryError: )?CUDA out of memory.*/,
    afterServing: 'CUDA out of memory',
    remedy: 'The model does not fit beside what else uses the card. Free the card, or use a smaller context.',
    retry: 'backoff',
  },
  {
    code: 'context_too_long',
    pattern: /To serve at least one request with the model's max seq len.*/,
    remedy: 'Use a smaller context, or a card with more memory.',
    retry: 'never',
  },
  {
    code: 'context_too_long',
    pattern: /User-specified max_model_len \((\d+)\) is greater than .*?max_position_embeddings=(\d+)/,
    say: (match) => `a context of ${match[1]} tokens is longer than the model's ${match[2]}`,
    remedy: "Use a context no longer than the model's.",
    retry: 'never',
  },
  {
    code: 'memory_busy',
    pattern: /Available memory on node \d+ .{0,80} is less than requested memory for kv \([^)]*\)/,
    remedy: 'Free memory of this machine, or start fewer replicas.',
    retry: 'backoff',
  },
  {
    code: 'no_kv_cache',
    pattern: /No available memory for the cache blocks.*/,
    remedy: 'The weights leave no memory for the KV cache: use a larger card or more cards.',
    retry: 'never',
  },
  {
    code: 'unsupported_gpu',
    pattern:
      /(?:Bfloat16 is only supported on GPUs|No MXFP4 MoE backend supports|no kernel image is available|.*NotImplementedError: .*(?:AMX|amx)).*/,
    remedy: 'gpt-oss needs a GPU of compute capability 8.0 or newer, or on the CPU AMX.',
    retry: 'never',
  },
  {
    code: 'driver_too_old',
    pattern:
      /(?:.*driver version is insufficient|.*libcudart\.so[.\d]*: cannot open|.*driver on your system is too old).*/,
    remedy: 'Install the NVIDIA driver that this build of vLLM needs (R580 or newer for CUDA 13).',
    retry: 'never',
  },
  {
    code: 'no_device',
    pattern: /Failed to infer device type.*/,
    remedy: 'This vLLM sees no GPU: check nvidia-smi, and that the build of vLLM is the one for this machine.',
    retry: 'never',
  },
  {
    code: 'vocabulary_missing',
    pattern: /error downloading or loading vocab file.*/,
    remedy: 'The folder in TIKTOKEN_ENCODINGS_BASE must hold o200k_base.tiktoken.',
    retry: 'never',
  },
  {
    code: 'disk_full',
    pattern: /.*No space left on device.*/,
    afterServing: 'no space is left on a disk that it writes to',
    remedy: 'Free space on the disk that the path names.',
    retry: 'backoff',
  },
  {
    code: 'model_missing',
    pattern: /HFValidationError: .*in the form 'repo_name' or 'namespace\/repo_name': '([^']+)'/,
    say: (match) => `there is no model folder ${match[1]}`,
    remedy: 'Correct --model-path.',
    retry: 'never',
  },
  {
    code: 'model_broken',
    pattern: /(?:It looks like the config file at .* is not a valid JSON file|.*SafetensorError: ).*/,
    remedy: 'The model folder is damaged: download it again.',
    retry: 'never',
  },
  {
    code: 'download_refused',
    pattern: /(?:.*GatedRepoError|.*401 Client Error|.*LocalEntryNotFoundError).*/,
    remedy: 'Download the model first (hf download), or check the network and the Hugging Face token.',
    retry: 'backoff',
  },
  {
    code: 'address_in_use',
    pattern: /.*(?:\[Errno 98\] Address already in use|EADDRINUSE).*/,
    remedy: 'Another process took a port or socket at the same moment.',
    retry: 'at_once',
  },
  {
    code: 'gpu_communication',
    pattern: /.*(?:NCCL error|unhandled cuda error).*/,
    afterServing: 'the communication between its cards failed',
    remedy: 'Check the links between the cards (nvidia-smi topo -m) and the size of /dev/shm.',
    retry: 'backoff',
  },
  {
    code: 'cuda_error',
    pattern: /CUDA error: [a-z][a-z ,-]+/,
    afterServing: 'CUDA reported an error',
    remedy: 'If this repeats itself, look at the card and its driver: dmesg, nvidia-smi.',
    retry: 'backoff',
  },
  {
    code: 'user_unknown',
    pattern: /.*getpwuid\(\): uid not found.*/,
    remedy: 'Run as a user that /etc/passwd names; PyTorch asks for its name.',
    retry: 'never',
  },
  {
    code: 'engine_too_slow',
    pattern: /Timed out waiting for engine core processes to start.*/,
    remedy: 'Loading takes longer than vLLM waits: raise VLLM_ENGINE_READY_TIMEOUT_S, or use a faster disk.',
    retry: 'backoff',
  },
  {
    code: 'engine_died',
    pattern: /Worker proc .* died unexpectedly.*/,
    afterServing: 'a worker process of it died',
    remedy: 'The log has the trace; on a memory shortage the kernel log names the process it ended.',
    retry: 'backoff',
  },
];
