import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import type { Clock } from '../domain/clock.ts';
import { formatDuration } from '../domain/units.ts';

/** What the signals end. Both resolve when nothing of it is left. */
interface Stoppable {
  stop(): Promise<void>;
  kill(): Promise<void>;
}

interface SignalDeps {
  /** Emits signals by name; `process`. */
  readonly signals: EventEmitter;
  readonly clock: Clock;
  readonly print: (line: string) => void;
  /** How long the first signal lets answers go on. */
  readonly drainMs: () => number;
  /** What SIGHUP does; null where it is the terminal's end, and ends everything like the other signals. */
  readonly reload: (() => void) | null;
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type StopSignal = (typeof STOP_SIGNALS)[number];

/** One Ctrl-C may arrive twice: from the terminal, which tells the whole group, and from a parent that forwards it. */
const BURST_MS = 500;

/**
 * Resolves with the exit code once signals have ended everything: the first one drains, a second kills, a third does
 * not wait any more. Rejects when the end itself fails.
 */
export function untilStopped(
  target: Stoppable,
  { signals, clock, print, drainMs, reload }: SignalDeps,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const ended = (): void => resolve(0);
    let count = 0;
    let countedMs = -Infinity;
    const onSignal = (signal: StopSignal): void => {
      const nowMs = clock.monotonicMs();
      if (nowMs - countedMs < BURST_MS) return;
      countedMs = nowMs;
      count++;
      if (count === 1) {
        print(
          `Stopping: running answers may finish for ${formatDuration(drainMs())}. Press Ctrl-C again to end them now.`,
        );
        target.stop().then(ended, reject);
      } else if (count === 2) {
        print('Ending everything now.');
        target.kill().then(ended, reject);
      } else {
        resolve(128 + constants.signals[signal]);
      }
    };
    for (const signal of STOP_SIGNALS) {
      signals.on(signal, signal === 'SIGHUP' && reload !== null ? reload : onSignal);
    }
  });
}

/**
 * Notes a SIGHUP that comes before there is anything to reload, which would end the process. Ends with the call of what
 * it gives, which tells whether one came.
 */
export function noteEarlyReload(signals: EventEmitter): () => boolean {
  let isAsked = false;
  const note = (): void => void (isAsked = true);
  signals.on('SIGHUP', note);
  return () => {
    signals.off('SIGHUP', note);
    return isAsked;
  };
}
