import { delimiter, dirname, join } from 'node:path';
import { MODELS } from '../domain/model.ts';
import type { Placement } from '../domain/placement.ts';

/** What to run: `env` is the whole environment of the process, nothing else is inherited. */
export interface EngineCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What all engines of a fleet share. */
export interface LaunchContext {
  /** Interpreter of vLLM's environment, or null for what is on the path. */
  readonly python: string | null;
  /** Folder of a checkpoint, or null for the published one by its repository name. */
  readonly modelPath: string | null;
  /** Further words of the command line, after all others, so that the last word on an option is the person's. */
  readonly engineArguments: readonly string[];
  /** Folder that holds `o200k_base.tiktoken`. */
  readonly vocabularyDirectory: string;
  /** Node.js and the simulator's main file, for simulated engines. */
  readonly nodePath: string;
  readonly simulatorPath: string;
  /** The environment to pass on, less what would lead an engine astray. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Names of the options that the installed vLLM takes (`--uds`, …), or null when they could not be learned. */
  readonly knownFlags: ReadonlySet<string> | null;
}

/** The part of it that is decided outside the fleet. */
export type LaunchSettings = Omit<LaunchContext, 'knownFlags'>;

/** Where one engine and its workers are reached. */
export interface EngineAddress {
  /** At most 107 bytes: the kernel's limit for a socket address. */
  readonly socketPath: string;
  /** First of a block of TCP ports for vLLM's internal rendezvous (`VLLM_PORT`); engines that share one collide. */
  readonly rendezvousPort: number;
}

/**
 * Tokens after which a block of the prefix cache is kept. vLLM's default, 0, loses most multi-turn reuse on gpt-oss,
 * whose layers alternate between sliding and full attention; 128 is the sliding window and a multiple of every block size.
 */
const PREFIX_CACHE_RETENTION_TOKENS = 128;

/**
 * Flags that older versions lack; an unknown flag ends vLLM after 20 seconds. `--shutdown-timeout 0`: Chorus waits for
 * streams itself before it signals, and vLLM's own drain hangs on a stream that outlives it.
 */
const RECENT_FLAGS: readonly (readonly [flag: string, ...values: string[]])[] = [
  ['--enable-scale-out'],
  ['--prefix-cache-retention-interval', String(PREFIX_CACHE_RETENTION_TOKENS)],
  ['--shutdown-timeout', '0'],
  ['--disable-uvicorn-access-log'],
];

/** Variables of a launcher, a service manager or a Kubernetes service called vllm that mean something else to vLLM. */
const NOT_INHERITED =
  /^(VLLM_(PORT.*|HOST.*|SERVICE_.*|DP_.*|API_KEY|SERVER_DEV_MODE|KEEP_ALIVE_ON_ENGINE_DEATH|USE_RUST_FRONTEND)|MASTER_.*|(LOCAL_|GROUP_|NODE_)?RANK|(LOCAL_|GROUP_)?WORLD_SIZE|NOTIFY_SOCKET|LISTEN_.*|WATCHDOG_.*|PYTHONDONTWRITEBYTECODE)$/;

/** The command line and environment of one engine. */
export function engineCommand(placement: Placement, launch: LaunchContext, address: EngineAddress): EngineCommand {
  const { file, args } = program(placement, launch);
  return {
    file,
    args: [...args, ...flags(placement, launch, address)],
    env: environment(placement, launch, address),
  };
}

/** The CPU build has no `vllm` metadata, without which the `vllm` command ends: its server is started as a module. */
function program({ kind, model }: Placement, launch: LaunchContext): { file: string; args: readonly string[] } {
  const source = launch.modelPath ?? MODELS[model].repository;
  switch (kind) {
    case 'gpu':
      return {
        file: launch.python === null ? 'vllm' : join(dirname(launch.python), 'vllm'),
        args: ['serve', source],
      };
    case 'cpu':
      return {
        file: launch.python ?? 'python3',
        args: ['-m', 'vllm.entrypoints.openai.api_server', '--model', source],
      };
    case 'simulated':
      return { file: launch.nodePath, args: [launch.simulatorPath, 'serve', source] };
  }
}

function flags({ kind, model, gpus, profile }: Placement, launch: LaunchContext, address: EngineAddress): string[] {
  const { gpuMemoryUtilization, maxNumBatchedTokens, enforceEager } = profile;
  const recent = RECENT_FLAGS.filter(([flag]) => kind === 'simulated' || launch.knownFlags?.has(flag));
  const required = [
    ['--uds', address.socketPath],
    ['--served-model-name', model, MODELS[model].repository],
    ['--max-model-len', String(profile.maxModelLen)],
    ['--enable-auto-tool-choice'],
    ['--tool-call-parser', 'openai'],
    ['--enable-prompt-tokens-details'],
  ];
  return [
    ...required.flat(),
    ...(gpus.length > 1 ? ['--tensor-parallel-size', String(gpus.length)] : []),
    ...(gpuMemoryUtilization === undefined ? [] : ['--gpu-memory-utilization', String(gpuMemoryUtilization)]),
    ...(maxNumBatchedTokens === undefined ? [] : ['--max-num-batched-tokens', String(maxNumBatchedTokens)]),
    ...(enforceEager ? ['--enforce-eager'] : []),
    ...recent.flat(),
    ...launch.engineArguments,
  ];
}

function environment(placement: Placement, launch: LaunchContext, address: EngineAddress): Record<string, string> {
  const inherited = Object.entries(launch.environment).flatMap(([name, value]) =>
    value === undefined || NOT_INHERITED.test(name) ? [] : [[name, value] as const],
  );
  const base = { ...Object.fromEntries(inherited), NO_COLOR: '1' };
  if (placement.kind === 'simulated') return base;
  return {
    ...base,
    ...pythonEnvironment(launch, address),
    ...(placement.kind === 'gpu' ? gpuEnvironment(placement) : cpuEnvironment(placement)),
  };
}

function pythonEnvironment(launch: LaunchContext, { rendezvousPort }: EngineAddress): Record<string, string> {
  const { PATH: path = '', OMP_NUM_THREADS: threads = '1' } = launch.environment;
  return {
    // vLLM compiles kernels with tools of its own environment, such as ninja.
    PATH: launch.python === null ? path : [dirname(launch.python), path].join(delimiter),
    OMP_NUM_THREADS: threads,
    PYTHONUNBUFFERED: '1',
    VLLM_PORT: String(rendezvousPort),
    VLLM_NO_USAGE_STATS: '1',
    DO_NOT_TRACK: '1',
    TIKTOKEN_ENCODINGS_BASE: launch.vocabularyDirectory,
    ...(launch.modelPath === null ? {} : { HF_HUB_OFFLINE: '1' }),
  };
}

/** By index in PCI order, as nvidia-smi counts: several vLLM versions crash on GPU UUIDs (vLLM issues 41848, 51716). */
function gpuEnvironment({ gpus }: Placement): Record<string, string> {
  if (gpus.some(({ isMigSlice }) => isMigSlice)) return {};
  return {
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    CUDA_VISIBLE_DEVICES: gpus.map(({ index }) => index).join(','),
  };
}

function cpuEnvironment({ profile }: Placement): Record<string, string> {
  const { cpuKvCacheGiB } = profile;
  return {
    VLLM_CPU_OMP_THREADS_BIND: 'nobind',
    ...(cpuKvCacheGiB === undefined ? {} : { VLLM_CPU_KVCACHE_SPACE: String(Math.max(1, Math.floor(cpuKvCacheGiB))) }),
  };
}
