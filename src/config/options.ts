import type { Limits } from '../domain/limits.ts';
import type { ModelId } from '../domain/model.ts';
import { DAY_MS, MiB } from '../domain/units.ts';
import { remoteEngineOptions, type RemoteEngineOptions } from './remote-engines.ts';
import type { Config, EngineChoice, LogLevel, ProgressStyle, ReasoningVisibility } from './schema.ts';

/** What `chorus serve` was asked to do. */
export interface ServeOptions {
  readonly engine: EngineChoice;
  /** Absolute folder of a checkpoint to serve instead of the published one. */
  readonly modelPath: string | null;
  /** Python interpreter of the environment that vLLM is installed in. */
  readonly python: string | null;
  /** `auto`: the largest that fits. */
  readonly model: ModelId | 'auto';
  /** Copies of the model; null: as many as fit. */
  readonly replicas: number | null;
  /** GPUs to use, by index, UUID or the beginning of a UUID; null: every usable one. */
  readonly gpus: readonly string[] | null;
  /** GPUs a replica is spread over; null: decided by what fits. */
  readonly tensorParallel: number | null;
  /** Context window of every replica; null: as much as fits. */
  readonly contextTokens: number | null;
  /** Share of each GPU's memory, above 0 and at most 1; null: decided by what is free. */
  readonly gpuMemoryUtilization: number | null;
  /** Further words of `vllm serve`'s command line, after Chorus's own. */
  readonly engineArguments: readonly string[];
  /** How long requests may wait for an engine without progress before it counts as hung. */
  readonly stallDeadlineMs: number;
  /** Size at which a log begins again, that of an engine's start or Chorus's own. */
  readonly maxEngineLogBytes: number;
  /** Engines elsewhere. */
  readonly remoteEngines: readonly RemoteEngineOptions[];
  readonly stateDir: string;
  readonly host: string;
  readonly port: number;
  /** File with the API key; null: the one of the state directory. */
  readonly apiKeyFile: string | null;
  /** File with the key that opens `/admin`; null: the one of the state directory. */
  readonly adminKeyFile: string | null;
  /** No key is asked for. */
  readonly noKey: boolean;
  /** Of projects without limits of their own. */
  readonly limits: Limits;
  readonly reasoning: ReasoningVisibility;
  /** Temperature of requests that name none: 0 to 2. */
  readonly defaultTemperature: number;
  /** How long a request waits for engines that load. */
  readonly loadingWaitMs: number;
  /** How long streams may go on after a stop was asked for. */
  readonly drainMs: number;
  /** How long responses are kept. */
  readonly retentionMs: number;
  /** How long the usage of requests is kept. */
  readonly usageRetentionMs: number;
  /** Where it is posted, and the file with the secret that signs it; null: nothing is posted, nothing is signed. */
  readonly usageWebhook: { readonly url: string; readonly secretFile: string | null } | null;
  /** How much is written to Chorus's own log. */
  readonly logLevel: LogLevel;
  /** How the start is shown. */
  readonly progress: ProgressStyle;
  /** vLLM is installed and weights are downloaded without a question. */
  readonly yes: boolean;
}

const SECOND_MS = 1000;

/** The configuration in the units and names that the code uses. */
export function serveOptions(config: Config): ServeOptions {
  const { engine, server, limits, store, usage } = config;
  const gpus = decided(engine.gpus);
  return {
    engine: engine.kind,
    modelPath: engine.model_path ?? null,
    python: engine.python ?? null,
    model: config.model,
    replicas: decided(engine.replicas),
    gpus: gpus && gpus.map(String),
    tensorParallel: decided(engine.tensor_parallel),
    contextTokens: decided(engine.context_tokens),
    gpuMemoryUtilization: decided(engine.gpu_memory_utilization),
    engineArguments: engine.args.map(String),
    stallDeadlineMs: engine.stall_seconds * SECOND_MS,
    maxEngineLogBytes: engine.max_log_megabytes * MiB,
    remoteEngines: remoteEngineOptions(config.engines),
    stateDir: config.state_dir,
    host: server.host,
    port: server.port,
    apiKeyFile: server.api_key_file ?? null,
    adminKeyFile: server.admin_key_file ?? null,
    noKey: server.no_key,
    limits: {
      requestsPerMinute: limits.requests_per_minute ?? null,
      tokensPerMinute: limits.tokens_per_minute ?? null,
      concurrent: limits.concurrent ?? null,
    },
    reasoning: config.reasoning,
    defaultTemperature: config.default_temperature,
    loadingWaitMs: config.loading_wait_seconds * SECOND_MS,
    drainMs: config.drain_seconds * SECOND_MS,
    retentionMs: store.retention_days * DAY_MS,
    usageRetentionMs: usage.retention_days * DAY_MS,
    usageWebhook:
      usage.webhook_url === undefined
        ? null
        : { url: usage.webhook_url, secretFile: usage.webhook_secret_file ?? null },
    logLevel: config.log_level,
    progress: config.progress,
    yes: config.assume_yes,
  };
}

function decided<T>(value: T | 'auto'): T | null {
  return value === 'auto' ? null : value;
}

/** Reachable from other machines: such a bind always needs a key. */
export function isPublicBind(host: string): boolean {
  return host !== 'localhost' && host !== '::1' && !host.startsWith('127.');
}
