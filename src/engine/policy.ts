import { MiB } from '../domain/units.ts';
import type { RestartPolicy } from './restart.ts';

/** Every waiting time of an engine's life, and the size of its log. */
export interface EnginePolicy {
  /** From spawn to readiness. */
  readonly startDeadlineMs: number;
  /** From the first 200 of `/health` to the first token. */
  readonly firstTokenDeadlineMs: number;
  readonly startProbeIntervalMs: number;
  readonly healthIntervalMs: number;
  /** So many probes in a row without an answer in time take an engine out of rotation; a refusal does at once. */
  readonly slowProbeLimit: number;
  /** Requests wait for it and nothing has moved for so long: it is stalled. Longer than its longest single step. */
  readonly stallDeadlineMs: number;
  /** Idle for so long, it is asked for a token. */
  readonly canaryIdleMs: number;
  readonly canaryTimeoutMs: number;
  /** So many canaries in a row without a token in time take an idle engine out of rotation. */
  readonly canaryMissLimit: number;
  /** Out of rotation so long without recovery, it is replaced. */
  readonly unhealthyDeadlineMs: number;
  /** The same for a stalled one, which has had its time. */
  readonly stallRecoveryMs: number;
  /** From SIGTERM to SIGKILL of the group. */
  readonly termGraceMs: number;
  /** The same before readiness, where vLLM loses the SIGTERM. */
  readonly startTermGraceMs: number;
  /** From SIGKILL to the belief that a process cannot be ended. */
  readonly killGraceMs: number;
  /** How often the memory of its cards is looked at before a start, and for how long. */
  readonly memoryPollMs: number;
  readonly memoryDeadlineMs: number;
  readonly restart: RestartPolicy;
  /** The log of one start begins again at this size. */
  readonly maxLogBytes: number;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

export const DEFAULT_POLICY: EnginePolicy = {
  /** gpt-oss-120b from a slow disk takes 11 minutes and more. */
  startDeadlineMs: 30 * MINUTE_MS,
  firstTokenDeadlineMs: 2 * MINUTE_MS,
  startProbeIntervalMs: SECOND_MS / 4,
  healthIntervalMs: SECOND_MS,
  slowProbeLimit: 3,
  /** A step computes at most `max_num_batched_tokens` of prompts: seconds on a GPU, up to half a minute on a CPU. */
  stallDeadlineMs: MINUTE_MS,
  canaryIdleMs: MINUTE_MS,
  canaryTimeoutMs: 15 * SECOND_MS,
  canaryMissLimit: 2,
  /** A vLLM whose engine process died answers 503 for 5 seconds and then exits by itself. */
  unhealthyDeadlineMs: 20 * SECOND_MS,
  stallRecoveryMs: 5 * SECOND_MS,
  /** vLLM's idle stop takes 0.6 s, or 6.5 s where it does not know `--shutdown-timeout`. */
  termGraceMs: 10 * SECOND_MS,
  startTermGraceMs: 3 * SECOND_MS,
  killGraceMs: 10 * SECOND_MS,
  memoryPollMs: SECOND_MS,
  memoryDeadlineMs: MINUTE_MS,
  restart: {
    firstDelayMs: SECOND_MS,
    maxDelayMs: MINUTE_MS,
    resetAfterServingMs: 10 * MINUTE_MS,
    maxFailuresInARow: 5,
    maxFreeRetries: 3,
  },
  maxLogBytes: 64 * MiB,
};
