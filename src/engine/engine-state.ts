import type { ModelId } from '../domain/model.ts';
import type { CloseCause, TokenRoute } from '../domain/replica.ts';
import type { EngineFailure } from './failures.ts';
import type { RestartHistory } from './restart.ts';
import type { WorkSample, WorkWatch } from './work-watch.ts';

/** What a ready engine says of itself. */
export interface ReplicaFacts {
  readonly model: ModelId;
  /** What it calls the model itself. */
  readonly servedName: string;
  readonly tokenRoute: TokenRoute;
  /** Context in tokens, from `/v1/models`. */
  readonly maxModelLen: number;
  /** From `/version`. */
  readonly engineVersion: string;
}

/**
 * What one look at an engine showed: `token` a real generated token (and with it the facts), `healthy` 200 from
 * `/health`, `no_token` 200 but the generation failed, `slow` no answer in time, `dead` 503 (the engine process is gone, and
 * the server will follow), `down` refused or nonsense, `unusable` it is not what can take requests, or not now.
 */
export type ProbeResult =
  | { readonly kind: 'token'; readonly facts: ReplicaFacts }
  | { readonly kind: 'healthy' }
  /** `isPassing`: another look may find it well. */
  | { readonly kind: 'unusable'; readonly failure: EngineFailure; readonly isPassing: boolean }
  | { readonly kind: 'no_token' | 'slow' | 'dead' | 'down'; readonly reason: string };

/**
 * Why an engine left rotation without being asked to: `stalled` requests stood still, `no_token` it failed to make one,
 * `slow` it answered late, `down` it refused or said 503, `ended` its process is gone, `cordoned` its card is out of use.
 */
export type EjectionCause = 'stalled' | 'no_token' | 'slow' | 'down' | 'ended' | 'cordoned';

/** What follows once the processes are gone. `unplanned`: it ended by itself, so the log must say why. */
export type Intent =
  | { readonly kind: 'stop' }
  | { readonly kind: 'replace' | 'give_up'; readonly failure: EngineFailure }
  | { readonly kind: 'unplanned' };

/** The phase's own data, and what it means. */
export type Phase =
  /** Planned, not started. */
  | { readonly phase: 'idle' }
  /** The process runs and is not ready; `tokenProblem` says why it makes no token although `/health` answers 200. */
  | { readonly phase: 'starting'; readonly tokenProblem: string | null }
  /** In rotation; the counts are of looks in a row. */
  | {
      readonly phase: 'ready';
      readonly slowProbes: number;
      readonly canaryMisses: number;
      readonly work: WorkWatch;
    }
  /** Was ready; out of rotation until it makes a token again. */
  | { readonly phase: 'unhealthy'; readonly cause: EjectionCause; readonly reason: string }
  /** Out of rotation because a stop was asked for; its streams go on. */
  | { readonly phase: 'draining'; readonly drainMs: number; readonly termGraceMs: number }
  /** Signalled; `killed` once SIGKILL went to the group. */
  | { readonly phase: 'stopping'; readonly intent: Intent; readonly killed: boolean }
  /** The leader is gone: the rest of its group is ended and looked for. */
  | { readonly phase: 'sweeping'; readonly intent: Intent }
  /** Waits for its next start; `waitsFor` is the engine whose restart comes first, once the delay is over. */
  | {
      readonly phase: 'backoff';
      readonly failure: EngineFailure;
      readonly delayMs: number;
      readonly waitsFor: string | null;
    }
  /** About to start: waits until nothing holds the memory of its cards. */
  | { readonly phase: 'releasing' }
  /** Given up, until somebody starts it. */
  | { readonly phase: 'failed'; readonly failure: EngineFailure }
  /** Stopped because that was asked for. */
  | { readonly phase: 'stopped' };

export type PhaseName = Phase['phase'];

/** An engine's whole state. Only `transition` makes one from another. */
export type EngineState = Phase & {
  /** Counts the starts. */
  readonly generation: number;
  readonly history: RestartHistory;
  /** When this generation became ready, monotonic; null before that. */
  readonly readyAtMs: number | null;
};

export type TimerName = 'probe' | 'start' | 'first_token' | 'unhealthy' | 'drain' | 'kill' | 'retry';

/** One look at an engine in rotation; after a canary `health` is `token` or `no_token` where it is well otherwise. */
export interface Look {
  readonly health: ProbeResult;
  readonly work: WorkSample;
  /** It was asked for a token of its own, because it had been idle. */
  readonly canary: boolean;
}

export type EngineEvent =
  | { readonly kind: 'start_requested' }
  /** It may not run, for a reason outside it: what runs is killed. */
  | { readonly kind: 'refused'; readonly failure: EngineFailure }
  | { readonly kind: 'stop_requested'; readonly drainMs: number; readonly termGraceMs: number }
  /** The second signal: no more waiting. */
  | { readonly kind: 'kill_requested' }
  | { readonly kind: 'probed'; readonly result: ProbeResult }
  | { readonly kind: 'looked'; readonly look: Look }
  /** It refused a request in a way that the next one may meet as well. */
  | { readonly kind: 'doubted' }
  /** It may be restarted now, or another one is being restarted. */
  | { readonly kind: 'turn_given' }
  | { readonly kind: 'turn_taken'; readonly by: string }
  /** Its cards are free for it, or somebody holds them. */
  | { readonly kind: 'memory_free' }
  | { readonly kind: 'memory_held'; readonly failure: EngineFailure }
  | { readonly kind: 'timer_fired'; readonly timer: TimerName }
  /** No request is in flight any more. */
  | { readonly kind: 'drained' }
  /** The leader is gone, or could not be started. */
  | { readonly kind: 'exited' }
  /** The group was ended; `survivors` are pids that would not. `failure` is what exit and log say. */
  | { readonly kind: 'swept'; readonly survivors: readonly number[]; readonly failure: EngineFailure };

/** What to do; performed by `Engine`, in order. A phase's timers end with the phase. */
export type EngineEffect =
  | { readonly kind: 'spawn' }
  | { readonly kind: 'probe_token' }
  /** Asks for health, or as a canary for a token; for metrics only where requests wait and no read came since. */
  | { readonly kind: 'look'; readonly canary: boolean; readonly knownReads: number }
  | { readonly kind: 'ask_turn' | 'await_memory' }
  /** It ended and nobody here had asked for that. */
  | { readonly kind: 'report_death' }
  | { readonly kind: 'admit'; readonly facts: ReplicaFacts }
  | { readonly kind: 'withdraw'; readonly reason: string }
  | { readonly kind: 'close_streams'; readonly cause: CloseCause; readonly reason: string }
  | { readonly kind: 'await_idle' }
  /** SIGTERM to the leader, which ends its children in order. */
  | { readonly kind: 'terminate' }
  /** SIGKILL to the whole group. */
  | { readonly kind: 'kill_group' }
  | { readonly kind: 'sweep' }
  | { readonly kind: 'set_timer'; readonly timer: TimerName; readonly delayMs: number };
