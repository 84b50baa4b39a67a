import type { CancelTimer, Clock } from '../domain/clock.ts';
import type { Notification, NotifyChannel } from './notify-channel.ts';

/** What the service manager is told of the server. */
export interface ServiceReport {
  /** A replica has made a token and is in rotation. */
  readonly ready: boolean;
  /** Something is still being installed, downloaded or loaded, and may become ready by itself. */
  readonly mayBecomeReady: boolean;
  /** One sentence. */
  readonly sentence: string;
}

export interface ServiceManagerDeps {
  readonly clock: Clock;
  readonly channel: Pick<NotifyChannel, 'send' | 'settled'>;
  readonly report: () => ServiceReport;
  /** Whether the control loop moves; while it does not, the watchdog is not fed. */
  readonly isAlive: () => boolean;
  /** The service manager ends us after so much silence; null: never. */
  readonly watchdogMs: number | null;
  /** CLOCK_MONOTONIC in microseconds, as the service manager reads it. */
  readonly monotonicUsec: () => bigint;
}

type Phase = 'starting' | 'serving' | 'reloading' | 'stopping';

/** While it starts, the server asks again and again for this much more time: loading takes what it takes. */
const EXTENSION_MS = 90_000;
/** Several extensions may get lost. */
const EXTENSION_INTERVAL_MS = 20_000;
/** Progress moves more often than anybody reads it. */
const STATUS_INTERVAL_MS = 1000;

/**
 * The life of the server as systemd follows it (sd_notify(3)): READY once, when a replica is ready; STATUS with the
 * sentence of the moment; more time while it starts and stops; the watchdog. Owns its timers: `close` ends them.
 */
export class ServiceManager {
  readonly #deps: ServiceManagerDeps;
  #phase: Phase = 'starting';
  #toldSentence = '';
  #cancelBeat: CancelTimer = () => {};
  #cancelPause: CancelTimer | null = null;
  #hasChanged = false;

  constructor(deps: ServiceManagerDeps) {
    this.#deps = deps;
    this.#beat();
  }

  /** The report may be another one. READY is told at once, all else at most once a second. */
  changed(): void {
    if (this.#phase === 'starting' && this.#deps.report().ready) return this.#tell();
    this.#hasChanged = true;
    if (this.#cancelPause !== null) return;
    this.#hasChanged = false;
    this.#tell();
    this.#cancelPause = this.#deps.clock.schedule(STATUS_INTERVAL_MS, () => {
      this.#cancelPause = null;
      if (this.#hasChanged) this.changed();
    });
  }

  /** A reload begins. A server that is not ready yet, or no more, has nothing to tell of it. */
  reloading(): void {
    if (this.#phase !== 'serving') return;
    this.#phase = 'reloading';
    this.#deps.channel.send({ RELOADING: '1', MONOTONIC_USEC: String(this.#deps.monotonicUsec()) });
  }

  /** It has ended, well or not: `sentence` says which. */
  reloaded(sentence: string): void {
    if (this.#phase !== 'reloading') return;
    this.#phase = 'serving';
    this.#send({ READY: '1' }, sentence);
  }

  /** The end begins and takes at most `withinMs`. */
  stopping(withinMs: number, sentence: string): void {
    this.#phase = 'stopping';
    this.#send({ STOPPING: '1', EXTEND_TIMEOUT_USEC: microseconds(withinMs) }, sentence);
  }

  /** Tells nothing more. Resolves when what was told has arrived or was given up. */
  async close(): Promise<void> {
    this.#phase = 'stopping';
    this.#cancelBeat();
    this.#cancelPause?.();
    await this.#deps.channel.settled();
  }

  #tell(): void {
    const { ready, sentence } = this.#deps.report();
    if (this.#phase === 'starting' && ready) {
      this.#phase = 'serving';
      this.#send({ READY: '1' }, sentence);
    } else if (this.#phase !== 'stopping' && sentence !== this.#toldSentence) {
      this.#send({}, sentence);
    }
  }

  /** Lets the watchdog and the start's deadline know that there is life. */
  #beat(): void {
    const { clock, channel, watchdogMs, isAlive } = this.#deps;
    const message = {
      ...(watchdogMs !== null && isAlive() ? { WATCHDOG: '1' } : {}),
      ...(this.#phase === 'starting' ? this.#extension() : {}),
    };
    if (Object.keys(message).length > 0) channel.send(message);
    const delayMs = Math.min(EXTENSION_INTERVAL_MS, (watchdogMs ?? Infinity) / 2);
    this.#cancelBeat = clock.schedule(delayMs, () => this.#beat());
  }

  /** More time for a start that may still succeed; a hopeless one is left to the service manager's deadline. */
  #extension(): Notification {
    const { ready, mayBecomeReady, sentence } = this.#deps.report();
    return mayBecomeReady && !ready ? { EXTEND_TIMEOUT_USEC: microseconds(EXTENSION_MS), STATUS: sentence } : {};
  }

  #send(message: Notification, sentence: string): void {
    this.#toldSentence = sentence;
    this.#deps.channel.send({ ...message, STATUS: sentence });
  }
}

const microseconds = (ms: number): string => String(Math.round(ms * 1000));
