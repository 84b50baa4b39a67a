import type { Logger } from 'pino';
import type { RemoteEngineOptions } from '../config/remote-engines.ts';
import type { Clock } from '../domain/clock.ts';
import { isRemote, type Replica, type Rotation } from '../domain/replica.ts';
import { Engine } from '../engine/engine.ts';
import type { LifecycleEvent } from '../engine/lifecycle-event.ts';
import type { EnginePolicy } from '../engine/policy.ts';
import { RestartTurns } from '../engine/restart-turns.ts';
import type { EngineStatus } from '../engine/status.ts';
import type { UpstreamFailure } from '../upstream/token-stream.ts';
import { runsOf } from './begin-run.ts';
import { describeRemote } from './describe.ts';
import { hostOf } from './endpoint.ts';

export interface RemoteEnginesDeps {
  readonly pool: Rotation & Pauses;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Read anew at every use; see `remotePolicy`. */
  readonly policy: EnginePolicy;
  /** Called after every change that `status` shows, times aside. */
  readonly onChange: () => void;
  readonly onEngineEvent: (event: LifecycleEvent) => void;
}

interface Pauses {
  /** It is to get no requests for a while, since it asked for that. */
  rest(engineId: string, durationMs: number): void;
}

const SECOND_MS = 1000;
/** Of a busy engine that names no time, and the longest that one may name. */
const REST_MS = SECOND_MS;
const LONGEST_REST_MS = 60 * SECOND_MS;
/** Answers to a request that the next one would get too. */
const LASTING_REFUSALS: readonly (number | null)[] = [401, 403, 404];
/** Answers that a key may be the reason of: it is wrong, may not do this, or is over its limit. */
const ABOUT_KEYS: readonly (number | null)[] = [401, 403, 429];

/** The engines that run elsewhere: met, watched, taken in and out of rotation, and neither started nor stopped. */
export class RemoteEngines {
  /** Some of them are to have their callers' `Authorization` headers. */
  readonly forwardsAuthorization: boolean;
  readonly #engines: ReadonlyMap<string, Engine>;
  readonly #policy: EnginePolicy;
  readonly #pool: Pauses;

  constructor(options: readonly RemoteEngineOptions[], deps: RemoteEnginesDeps) {
    this.#policy = deps.policy;
    this.#pool = deps.pool;
    this.forwardsAuthorization = options.some((one) => one.forwardsAuthorization);
    const turns = new RestartTurns(() => false);
    this.#engines = new Map(options.map((one) => [one.engineId, this.#make(one, turns, deps)]));
  }

  /** Meets them all. What comes of it shows in `status`. */
  start(): void {
    for (const engine of this.#engines.values()) void engine.start();
  }

  has(engineId: string): boolean {
    return this.#engines.has(engineId);
  }

  /** Takes one out of rotation, gives its streams `drainMs`, and leaves it out. Rejects for one that does not exist, as the next two do. */
  async drain(engineId: string, drainMs: number): Promise<void> {
    await this.#known(engineId).stop(drainMs, this.#policy.termGraceMs);
  }

  /** Takes one back that was drained or refused; resolves when it is in rotation or this try has failed. */
  async startEngine(engineId: string): Promise<void> {
    await this.#known(engineId).start();
  }

  /** Drains one and meets it anew. */
  async restart(engineId: string, drainMs: number): Promise<void> {
    await this.drain(engineId, drainMs);
    await this.startEngine(engineId);
  }

  /** A request failed on one of them: whether it is busy for a while, or no engine for the next request either. */
  readonly noteFailure = ({ engineId, endpoint }: Replica, { reason, status, retryAfterMs }: UpstreamFailure): void => {
    // What it says of the caller's own key is nothing that the next caller would hear.
    if (isRemote(endpoint) && endpoint.forwardsAuthorization && ABOUT_KEYS.includes(status)) return;
    if (reason === 'busy') this.#pool.rest(engineId, Math.min(retryAfterMs ?? REST_MS, LONGEST_REST_MS));
    if (LASTING_REFUSALS.includes(status)) this.#engines.get(engineId)?.doubt();
  };

  /** Takes all out of rotation, with at most `drainMs` for their streams. */
  async stop(drainMs: number): Promise<void> {
    await Promise.all([...this.#engines.values()].map((engine) => engine.stop(drainMs, this.#policy.termGraceMs)));
  }

  /** The same at once. */
  async kill(): Promise<void> {
    await Promise.all([...this.#engines.values()].map((engine) => engine.kill()));
  }

  /** A snapshot, in the order of the settings. */
  status(): EngineStatus[] {
    return [...this.#engines.values()].map(({ status }) => status);
  }

  #known(engineId: string): Engine {
    const engine = this.#engines.get(engineId);
    if (engine === undefined) throw new Error(`there is no engine ${engineId}`);
    return engine;
  }

  #make(options: RemoteEngineOptions, turns: RestartTurns, deps: RemoteEnginesDeps): Engine {
    const { engineId } = options;
    const { pool, clock, logger, random, onChange, onEngineEvent } = deps;
    const host = hostOf(options);
    return new Engine({
      identity: { engineId, kind: 'remote', model: null, gpus: [], socketPath: null, host },
      generation: 0,
      begin: runsOf(options, clock),
      describe: describeRemote,
      earlierStarts: () => null,
      onStarted: () => undefined,
      reviseFailure: (failure) => failure,
      policy: this.#policy,
      rotation: pool,
      turns,
      memory: null,
      clock,
      logger: logger.child({ engineId, host }),
      random,
      onChange,
      onEvent: onEngineEvent,
    });
  }
}

/**
 * The waiting times for engines elsewhere, from those for engines of this machine: a question crosses a network, costs a
 * handshake, and may wake a machine, so there are fewer; and nothing here gets hot from trying again.
 */
export function remotePolicy(policy: EnginePolicy): EnginePolicy {
  return {
    ...policy,
    startDeadlineMs: 3 * 60 * SECOND_MS,
    startProbeIntervalMs: SECOND_MS,
    healthIntervalMs: 2 * SECOND_MS,
    restart: { ...policy.restart, maxDelayMs: Math.min(policy.restart.maxDelayMs, 15 * SECOND_MS) },
  };
}
