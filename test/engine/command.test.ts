import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addConfigFlags } from '../../src/cli/config-flags.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { Placement } from '../../src/domain/placement.ts';
import { engineCommand, type LaunchContext } from '../../src/engine/command.ts';

const LAUNCH: LaunchContext = {
  python: '/opt/vllm/bin/python',
  modelPath: null,
  engineArguments: [],
  vocabularyDirectory: '/vocabulary',
  nodePath: '/usr/bin/node',
  simulatorPath: '/chorus/sim/main.ts',
  environment: { PATH: '/usr/bin', HOME: '/root' },
  knownFlags: new Set([
    '--enable-scale-out',
    '--prefix-cache-retention-interval',
    '--shutdown-timeout',
    '--disable-uvicorn-access-log',
  ]),
};
const ADDRESS = { socketPath: '/state/sockets/e0.sock', rendezvousPort: 21_000 };
const GPU_NAME = 'NVIDIA H100 80GB HBM3';

const twoCards: Placement = {
  engineId: 'e0',
  kind: 'gpu',
  model: 'gpt-oss-120b',
  gpus: [
    { index: 2, uuid: 'GPU-a', name: GPU_NAME },
    { index: 3, uuid: 'GPU-b', name: GPU_NAME },
  ],
  profile: {
    name: 'tight',
    maxModelLen: 32_768,
    gpuMemoryUtilization: 0.95,
    maxNumBatchedTokens: 1024,
    enforceEager: true,
  },
};
const onCpu: Placement = {
  engineId: 'e0',
  kind: 'cpu',
  model: 'gpt-oss-20b',
  gpus: [],
  profile: { name: 'cpu', maxModelLen: 4096, cpuKvCacheGiB: 1, enforceEager: true },
};

const words = (text: string): string[] => text.trim().split(/\s+/);

/** What every vLLM gets, whatever it runs on. */
const OF_VLLM = {
  HOME: '/root',
  PATH: '/opt/vllm/bin:/usr/bin',
  NO_COLOR: '1',
  OMP_NUM_THREADS: '1',
  PYTHONUNBUFFERED: '1',
  VLLM_PORT: '21000',
  VLLM_NO_USAGE_STATS: '1',
  DO_NOT_TRACK: '1',
  TIKTOKEN_ENCODINGS_BASE: '/vocabulary',
};

describe('the command of an engine', () => {
  it('on a MIG slice leaves CUDA_VISIBLE_DEVICES unset', () => {
    const gpus = [{ index: 0, uuid: 'GPU-a', name: `${GPU_NAME} MIG 3g.40gb`, isMigSlice: true as const }];
    const { env } = engineCommand({ ...twoCards, gpus }, LAUNCH, ADDRESS);
    expect(Object.keys(env).filter((name) => name === 'CUDA_VISIBLE_DEVICES')).toEqual([]);
  });

  it('is `vllm serve` of the given environment on its own cards', () => {
    expect(engineCommand(twoCards, LAUNCH, ADDRESS)).toEqual({
      file: '/opt/vllm/bin/vllm',
      args: words(`
        serve openai/gpt-oss-120b --uds /state/sockets/e0.sock --served-model-name gpt-oss-120b openai/gpt-oss-120b
        --max-model-len 32768 --enable-auto-tool-choice --tool-call-parser openai
        --enable-prompt-tokens-details --tensor-parallel-size 2 --gpu-memory-utilization 0.95
        --max-num-batched-tokens 1024 --enforce-eager --enable-scale-out --prefix-cache-retention-interval 128
        --shutdown-timeout 0 --disable-uvicorn-access-log
      `),
      env: { ...OF_VLLM, CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: '2,3' },
    });
  });

  it('is the server module on the CPU, offline when the model is a folder', () => {
    expect(engineCommand(onCpu, { ...LAUNCH, modelPath: '/models/tiny' }, ADDRESS)).toEqual({
      file: '/opt/vllm/bin/python',
      args: words(`
        -m vllm.entrypoints.openai.api_server --model /models/tiny --uds /state/sockets/e0.sock
        --served-model-name gpt-oss-20b openai/gpt-oss-20b --max-model-len 4096
        --enable-auto-tool-choice --tool-call-parser openai --enable-prompt-tokens-details
        --enforce-eager --enable-scale-out --prefix-cache-retention-interval 128
        --shutdown-timeout 0 --disable-uvicorn-access-log
      `),
      env: {
        ...OF_VLLM,
        HF_HUB_OFFLINE: '1',
        VLLM_CPU_OMP_THREADS_BIND: 'nobind',
        VLLM_CPU_KVCACHE_SPACE: '1',
      },
    });
  });

  it('is the simulator with the flags of the newest vLLM, whatever is installed', () => {
    const placement: Placement = { ...onCpu, kind: 'simulated', profile: { name: 'simulated', maxModelLen: 131_072 } };
    expect(engineCommand(placement, { ...LAUNCH, knownFlags: null }, ADDRESS)).toEqual({
      file: '/usr/bin/node',
      args: words(`
        /chorus/sim/main.ts serve openai/gpt-oss-20b --uds /state/sockets/e0.sock
        --served-model-name gpt-oss-20b openai/gpt-oss-20b --max-model-len 131072
        --enable-auto-tool-choice --tool-call-parser openai --enable-prompt-tokens-details
        --enable-scale-out --prefix-cache-retention-interval 128 --shutdown-timeout 0
        --disable-uvicorn-access-log
      `),
      env: { HOME: '/root', PATH: '/usr/bin', NO_COLOR: '1' },
    });
  });

  it("ends with the person's own words, which win over earlier ones in vLLM's parser", () => {
    const engineArguments = ['--max-num-batched-tokens', '4096', '--async-scheduling'];
    const { args } = engineCommand(twoCards, { ...LAUNCH, engineArguments }, ADDRESS);
    expect(args).toEqual([...engineCommand(twoCards, LAUNCH, ADDRESS).args, ...engineArguments]);
  });

  it('has every word of --engine-arg as it was given, commas and brackets included', async () => {
    const given = ['--compilation-config', '{"a":1,"b":2}', '--cudagraph-capture-sizes=[1,2]', '[1,2]'];
    const command = addConfigFlags(new Command());
    command.parse(['--config', '/dev/null', ...given.map((word) => `--engine-arg=${word}`)], { from: 'user' });
    const { engineArguments } = (await loadConfig(command.opts(), {})).options;
    const { args } = engineCommand(twoCards, { ...LAUNCH, engineArguments }, ADDRESS);
    expect(args.slice(-given.length)).toEqual(given);
  });

  it('takes what is on the path when no interpreter is named', () => {
    const launch = { ...LAUNCH, python: null };
    expect(engineCommand(twoCards, launch, ADDRESS)).toMatchObject({ file: 'vllm', env: { PATH: '/usr/bin' } });
    expect(engineCommand(onCpu, launch, ADDRESS).file).toBe('python3');
  });

  it('sends only flags that the installed vLLM knows, and none of the recent ones when that is unknown', () => {
    const recent = (knownFlags: LaunchContext['knownFlags']): string[] => {
      const { args } = engineCommand(onCpu, { ...LAUNCH, knownFlags }, ADDRESS);
      return args.slice(args.indexOf('--enforce-eager') + 1);
    };
    expect(recent(new Set(['--shutdown-timeout']))).toEqual(['--shutdown-timeout', '0']);
    expect(recent(null)).toEqual([]);
  });

  it('does not pass on what a launcher, a service manager or Kubernetes left in the environment', () => {
    const names = words(`
      VLLM_PORT VLLM_PORT_80_TCP VLLM_HOST_IP VLLM_SERVICE_HOST VLLM_API_KEY VLLM_DP_RANK VLLM_SERVER_DEV_MODE
      VLLM_USE_RUST_FRONTEND MASTER_ADDR MASTER_PORT RANK LOCAL_RANK NODE_RANK WORLD_SIZE NOTIFY_SOCKET LISTEN_FDS
      WATCHDOG_USEC
    `);
    const left = Object.fromEntries(names.map((name) => [name, 'tcp://10.0.0.1:80']));
    const kept = { VLLM_CACHE_ROOT: '/cache', HF_HOME: '/hf', OMP_NUM_THREADS: '8', PATH: '/usr/bin' };
    const clean = engineCommand(twoCards, { ...LAUNCH, environment: kept }, ADDRESS);
    expect(clean.env).toMatchObject({ VLLM_CACHE_ROOT: '/cache', HF_HOME: '/hf', OMP_NUM_THREADS: '8' });
    expect(engineCommand(twoCards, { ...LAUNCH, environment: { ...kept, ...left } }, ADDRESS)).toEqual(clean);
  });
});
