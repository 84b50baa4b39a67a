import type { Clock } from '../domain/clock.ts';
import { CodedError } from '../domain/errors.ts';
import { formatTimeLeft } from '../domain/units.ts';
import { verdictOn, type Run, type Verdict } from './verdict.ts';

/** How long a request is remembered, and refused where it is guilty, after an attempt at it last broke off. */
export const SUSPICION_MS = 600_000;
/** So many at once are no culprits but a broken machine: the oldest are forgotten. */
const MAX_SUSPECTS = 1000;
/** Engines end long after their streams: vLLM 0.32 exits 5 to 7 seconds after its engine process was killed. */
const FATE_DEADLINE_MS = 10_000;
/** The streams of one engine break within moments of each other: then it is known who was there. */
const SETTLE_MS = 250;

/** A request that broke off. Several of the same content are several: what they share proves nothing against it. */
interface Suspect {
  readonly hash: string;
  /** The starts of engines on which an attempt at it broke off, whatever became of them. */
  readonly runs: Set<Run>;
  lastMs: number;
  /** It ended without an answer: the next of the same content is the same one again, sent by its client. */
  isOver: boolean;
}

/** A request whose client left while it was running: it is a suspect if that engine ends soon after. */
interface Departure {
  readonly suspect: Suspect;
  readonly run: Run;
  readonly leftMs: number;
}

/** An attempt that was running in an engine and did not come to its end. */
export interface BrokenAttempt {
  readonly run: Run;
  /** It was ended in order: if the engine has not ended before, that is no sign of anything. */
  readonly isPlanned: boolean;
}

/** One request before the suspects. */
export interface Trial {
  /** What is known of it now; `free` for nearly everything, at no cost. */
  verdict(): Verdict;
  /**
   * An attempt at it broke off. Resolves with the verdict: at once the first time, later when it is known whether the
   * engines ended, which takes seconds; on an abort with what is known then.
   */
  brokeOff(attempt: BrokenAttempt, signal: AbortSignal): Promise<Verdict>;
  /** Its client left while it was running there. */
  left(run: Run): void;
  /** It is over. An answer clears it, and all others of the same content. */
  ended(isAnswered: boolean): void;
  /** Why it is refused, for the client; names the hash, the engines, and the time left. */
  refusal(): CodedError;
  /** As `contentHash`. */
  hash(): string;
}

/**
 * Requests that were running on engines that ended by themselves, so that one which ends engines does not end them all,
 * nor the next time its client sends it. `verdictOn` is the rule; an answer clears. Nothing is kept beyond
 * `SUSPICION_MS`, and no request is hashed before something breaks or its client leaves.
 */
export class Suspects {
  readonly #clock: Clock;
  /** The one that broke off last at the end. */
  readonly #suspects = new Set<Suspect>();
  /** Starts of engines that ended by themselves, and when; the last one at the end. */
  readonly #ends = new Map<Run, number>();
  readonly #endListeners = new Set<() => void>();
  /** The last one at the end. */
  readonly #departures = new Set<Departure>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A start of an engine ended although nobody here asked for it, or hung until it was replaced. */
  engineEnded(run: Run): void {
    this.#ends.set(run, this.#clock.monotonicMs());
    this.#forgetDepartures();
    for (const departure of this.#departures) if (departure.run === run) this.#add(departure.suspect, run);
    for (const listener of this.#endListeners) listener();
  }

  /** `contentHash` is called at most once, and only where something broke. */
  trial(contentHash: () => string): Trial {
    let known: string | null = null;
    let suspect: Suspect | null = null;
    const hash = (): string => (known ??= contentHash());
    return {
      verdict: () => {
        if (this.#isEmpty()) return 'free';
        suspect ??= this.#takeUp(hash());
        return this.#guilty(hash()) ? 'guilty' : suspect === null ? 'free' : this.#verdictOn(suspect);
      },
      brokeOff: async (attempt, signal) => {
        suspect ??= newSuspect(hash());
        await this.#brokeOff(suspect, attempt, signal);
        return this.#guilty(hash()) ? 'guilty' : this.#verdictOn(suspect);
      },
      left: (run) => {
        suspect ??= newSuspect(hash());
        this.#left(suspect, run);
      },
      ended: (isAnswered) => {
        if (suspect !== null) suspect.isOver = true;
        if (isAnswered && !this.#isEmpty()) this.#clear(hash());
      },
      refusal: () => this.#refusal(hash()),
      // No getter: V8 makes a new shape for each object with one of its own, and shapes keep all that they reach until
      // the next collection of the old generation: the whole turn.
      hash,
    };
  }

  #takeUp(hash: string): Suspect | null {
    const earlier = [...this.#suspects].find((one) => one.isOver && one.hash === hash) ?? null;
    if (earlier !== null) earlier.isOver = false;
    return earlier;
  }

  #clear(hash: string): void {
    for (const suspect of this.#suspects) {
      if (suspect.hash !== hash) continue;
      this.#suspects.delete(suspect);
      suspect.runs.clear();
    }
  }

  async #brokeOff(suspect: Suspect, { run, isPlanned }: BrokenAttempt, signal: AbortSignal): Promise<void> {
    if (isPlanned && !this.#ends.has(run)) return;
    this.#add(suspect, run);
    if (suspect.runs.size > 1) await this.#fatesKnown(suspect, signal);
  }

  #left(suspect: Suspect, run: Run): void {
    if (this.#ends.has(run)) return this.#add(suspect, run);
    this.#departures.add({ suspect, run, leftMs: this.#clock.monotonicMs() });
    this.#forgetDepartures();
  }

  #forgetDepartures(): void {
    const oldestMs = this.#clock.monotonicMs() - FATE_DEADLINE_MS;
    for (const departure of this.#departures) {
      if (departure.leftMs > oldestMs && this.#departures.size <= MAX_SUSPECTS) break;
      this.#departures.delete(departure);
    }
  }

  #add(suspect: Suspect, run: Run): void {
    this.#suspects.delete(suspect);
    this.#suspects.add(suspect);
    suspect.lastMs = this.#clock.monotonicMs();
    suspect.runs.add(run);
  }

  /** Resolves when two engines have ended under the request, or when they would have. */
  #fatesKnown(suspect: Suspect, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let isSettled = false;
    const check = (): void => {
      if (isSettled && this.#verdictOn(suspect) !== 'free') resolve();
    };
    const settle = (): void => {
      isSettled = true;
      check();
    };
    const cancels = [
      this.#clock.schedule(SETTLE_MS, settle),
      this.#clock.schedule(FATE_DEADLINE_MS, resolve),
      onAbort(signal, resolve),
    ];
    this.#endListeners.add(check);
    return promise.finally(() => {
      this.#endListeners.delete(check);
      for (const cancel of cancels) cancel();
    });
  }

  #verdictOn(suspect: Suspect): Verdict {
    if (suspect.runs.size < 2) return 'free';
    return verdictOn(this.#endsUnder(suspect), this.#endsUnderOthers(suspect));
  }

  *#endsUnderOthers(suspect: Suspect): Iterable<ReadonlySet<Run>> {
    for (const other of this.#suspects) if (other !== suspect) yield this.#endsUnder(other);
  }

  #endsUnder({ runs }: Suspect): ReadonlySet<Run> {
    return new Set([...runs].filter((run) => this.#ends.has(run)));
  }

  /** The one of this content that is refused, and with it all the others. */
  #guilty(hash: string): Suspect | undefined {
    for (const one of this.#suspects) if (one.hash === hash && this.#verdictOn(one) === 'guilty') return one;
    return undefined;
  }

  #refusal(hash: string): CodedError {
    const { runs = new Set<Run>(), lastMs = 0 } = this.#guilty(hash) ?? {};
    const engines = [...runs].filter((run) => this.#ends.has(run)).map((run) => run.replace(/#\d+$/, ''));
    const leftMs = lastMs + SUSPICION_MS - this.#clock.monotonicMs();
    const message =
      `This request ends engines: ${engines.join(' and ')} ended or hung while generating the answer to it, and no other request ` +
      `was there each time. It is refused for ${formatTimeLeft(leftMs)}, so that it does not end the others too. ` +
      `The hash of its content is ${hash}; Chorus's log has it.`;
    return new CodedError('deadly_request', message);
  }

  /** Whether nothing is remembered; forgets what is old. */
  #isEmpty(): boolean {
    const endOfMemoryMs = this.#clock.monotonicMs() - SUSPICION_MS;
    for (const suspect of this.#suspects) {
      if (suspect.lastMs > endOfMemoryMs && this.#suspects.size <= MAX_SUSPECTS) break;
      this.#suspects.delete(suspect);
    }
    for (const [run, endedMs] of this.#ends) {
      if (endedMs > endOfMemoryMs) break;
      this.#ends.delete(run);
    }
    return this.#suspects.size === 0;
  }
}

const newSuspect = (hash: string): Suspect => ({ hash, runs: new Set(), lastMs: 0, isOver: false });

/** Calls `listener` when `signal` aborts, at once if it has; the returned function ends that. */
function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) listener();
  signal.addEventListener('abort', listener);
  return () => signal.removeEventListener('abort', listener);
}
