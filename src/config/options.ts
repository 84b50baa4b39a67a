import { homedir } from 'node:os';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import type { ModelId } from '../domain/model.ts';

/** `auto` picks vLLM where a GPU is, and the simulator only where nothing could be meant but a trial. */
export type EngineChoice = 'auto' | 'gpu' | 'cpu' | 'simulated';
export const ENGINE_CHOICES: readonly EngineChoice[] = ['auto', 'gpu', 'cpu', 'simulated'];

/** Whether clients see the text of the model's reasoning, which gpt-oss's makers advise not to show to end users. */
export type ReasoningVisibility = 'shown' | 'hidden';
export const REASONING_VISIBILITIES: readonly ReasoningVisibility[] = ['shown', 'hidden'];

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
  readonly stateDir: string;
  readonly host: string;
  readonly port: number;
  readonly reasoning: ReasoningVisibility;
  /** Temperature of requests that name none: 0 to 2. */
  readonly defaultTemperature: number;
  /** How long a request waits for engines that load. */
  readonly loadingWaitMs: number;
  /** How long streams may go on after a stop was asked for. */
  readonly drainMs: number;
  /** How long responses are kept. */
  readonly retentionMs: number;
  /** vLLM is installed and weights are downloaded without a question. */
  readonly yes: boolean;
}

/** The flags as they come from the command line, before anything is checked. */
export interface ServeFlags {
  readonly engine?: string;
  readonly modelPath?: string;
  readonly python?: string;
  readonly replicas?: string;
  readonly stateDir?: string;
  readonly host?: string;
  readonly port?: string;
  readonly reasoning?: string;
}

export const DEFAULT_HOST = '127.0.0.1';
/** The port of vLLM's own guide, so that its snippets run unchanged. */
export const DEFAULT_PORT = 8000;

/** The checked options, or every problem at once, each naming its flag and the remedy. */
export function readServeOptions(
  flags: ServeFlags,
  env: Readonly<Record<string, string | undefined>>,
): { readonly options: ServeOptions } | { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const engine = ENGINE_CHOICES.find((choice) => choice === (flags.engine ?? 'gpu'));
  if (!engine) problems.push(`--engine: '${flags.engine}' is unknown. Use ${ENGINE_CHOICES.join(', ')}.`);
  const replicas = flags.replicas === undefined ? null : wholeNumber(flags.replicas, 1, 64);
  if (Number.isNaN(replicas)) problems.push(`--replicas: '${flags.replicas}' is not a whole number from 1 to 64.`);
  const port = flags.port === undefined ? DEFAULT_PORT : wholeNumber(flags.port, 0, 65_535);
  if (Number.isNaN(port))
    problems.push(`--port: '${flags.port}' is not a port. Use 1 to 65535, or 0 for any free one.`);
  const host = flags.host ?? DEFAULT_HOST;
  if (isIP(host) === 0 && host !== 'localhost') {
    problems.push(`--host: '${host}' is not an address. Use 127.0.0.1 for this machine, 0.0.0.0 for every interface.`);
  }
  const reasoning = REASONING_VISIBILITIES.find((visibility) => visibility === (flags.reasoning ?? 'shown'));
  if (!reasoning)
    problems.push(`--reasoning: '${flags.reasoning}' is unknown. Use ${REASONING_VISIBILITIES.join(' or ')}.`);
  if (!engine || !reasoning || problems.length > 0) return { problems };
  return {
    options: {
      engine,
      modelPath: flags.modelPath === undefined ? null : resolve(flags.modelPath),
      python: flags.python === undefined ? null : resolve(flags.python),
      model: 'auto',
      replicas,
      gpus: null,
      tensorParallel: null,
      contextTokens: null,
      gpuMemoryUtilization: null,
      engineArguments: [],
      stateDir: resolve(flags.stateDir ?? defaultStateDir(env)),
      host,
      port,
      reasoning,
      defaultTemperature: 1,
      loadingWaitMs: 300_000,
      drainMs: 30_000,
      retentionMs: 30 * 24 * 60 * 60 * 1000,
      yes: false,
    },
  };
}

/** Where keys, logs and sockets live: `$XDG_STATE_HOME/chorus`, else `~/.local/state/chorus`. */
export function defaultStateDir(env: Readonly<Record<string, string | undefined>>): string {
  return env['CHORUS_STATE_DIR'] ?? join(env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'chorus');
}

/** Reachable from other machines: such a bind always needs a key. */
export function isPublicBind(host: string): boolean {
  return host !== 'localhost' && host !== '::1' && !host.startsWith('127.');
}

function wholeNumber(text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= minimum && value <= maximum ? value : Number.NaN;
}
