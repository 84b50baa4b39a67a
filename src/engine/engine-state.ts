import type { TokenRoute } from '../domain/replica.ts';
import type { EngineFailure } from './failures.ts';
import type { RestartHistory } from './restart.ts';

/** What a ready engine says of itself. */
export interface ReplicaFacts {
  readonly tokenRoute: TokenRoute;
  /** Context in tokens, from `/v1/models`. */
  readonly maxModelLen: number;
  /** From `/version`. */
  readonly engineVersion: string;
}

/**
 * What one look at an engine showed: `token` a real generated token (and with it the facts), `healthy` 200 from
 * `/health`, `no_token` 200 but the generation failed, `slow` no answer in time, `down` refused, 503 or nonsense.
 */
export type ProbeResult =
  | { readonly kind: 'token'; readonly facts: ReplicaFacts }
  | { readonly kind: 'healthy' }
  | { readonly kind: 'no_token' | 'slow' | 'down'; readonly reason: string };

/** What follows once the processes are gone. `unplanned`: it ended by itself, so the log must say why. */
export type Intent =
  | { readonly kind: 'stop' }
  | { readonly kind: 'replace'; readonly failure: EngineFailure }
  | { readonly kind: 'unplanned' };

/** The phase's own data, and what it means. */
export type Phase =
  /** Planned, not started. */
  | { readonly phase: 'idle' }
  /** The process runs and is not ready; `tokenProblem` says why it makes no token although `/health` answers 200. */
  | { readonly phase: 'starting'; readonly tokenProblem: string | null }
  /** In rotation. */
  | { readonly phase: 'ready'; readonly slowProbes: number }
  /** Was ready; out of rotation until it makes a token again. */
  | { readonly phase: 'unhealthy'; readonly reason: string }
  /** Out of rotation because a stop was asked for; its streams go on. */
  | { readonly phase: 'draining'; readonly termGraceMs: number }
  /** Signalled; `killed` once SIGKILL went to the group. */
  | { readonly phase: 'stopping'; readonly intent: Intent; readonly killed: boolean }
  /** The leader is gone: the rest of its group is ended and looked for. */
  | { readonly phase: 'sweeping'; readonly intent: Intent }
  /** Waits for its next start. */
  | { readonly phase: 'backoff'; readonly failure: EngineFailure; readonly delayMs: number }
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

export type EngineEvent =
  | { readonly kind: 'start_requested' }
  /** It will not be started, for a reason outside it. */
  | { readonly kind: 'refused'; readonly failure: EngineFailure }
  | { readonly kind: 'stop_requested'; readonly drainMs: number; readonly termGraceMs: number }
  /** The second signal: no more waiting. */
  | { readonly kind: 'kill_requested' }
  | { readonly kind: 'probed'; readonly result: ProbeResult }
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
  | { readonly kind: 'probe_token' | 'probe_health' }
  | { readonly kind: 'admit'; readonly facts: ReplicaFacts }
  | { readonly kind: 'withdraw' | 'close_streams'; readonly reason: string }
  | { readonly kind: 'await_idle' }
  /** SIGTERM to the leader, which ends its children in order. */
  | { readonly kind: 'terminate' }
  /** SIGKILL to the whole group. */
  | { readonly kind: 'kill_group' }
  | { readonly kind: 'sweep' }
  | { readonly kind: 'set_timer'; readonly timer: TimerName; readonly delayMs: number };
