import { formatBytes, MiB } from '../../src/domain/units.ts';
import { median } from '../bench/statistics.ts';

/** How one request ended, as its client saw it. */
export type Outcome =
  /** A response with its end, and the answer that the question has. */
  | { readonly kind: 'completed'; readonly responseId: string }
  /** An honest failure: `response.failed`, or an error status with OpenAI's body. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** Not the answer that the question has. */
  | { readonly kind: 'wrong'; readonly detail: string }
  /** Cut by the client itself, or by the death of Chorus, which nobody promised to survive. */
  | { readonly kind: 'excused'; readonly by: 'client' | 'death' }
  /** The connection ended without a terminal event, or the answer without its body. */
  | { readonly kind: 'unfinished'; readonly detail: string };

const MAX_GROWTH = 1.15;
const SPARE_BYTES = 32 * MiB;
const DETAILS_SHOWN = 5;

/** What was promised, what happened. */
export interface Verdict {
  readonly promise: string;
  readonly happened: string;
  readonly kept: boolean;
}

/** Remembers what clients saw and what was found, and judges it at the end. */
export class PromiseBook {
  readonly #announced = new Set<string>();
  readonly #counts: Record<Outcome['kind'], number> = { completed: 0, failed: 0, wrong: 0, excused: 0, unfinished: 0 };
  readonly #failures = new Map<string, number>();
  readonly #details: string[] = [];
  readonly #orphans: string[] = [];
  #lost = 0;

  note(outcome: Outcome): void {
    this.#counts[outcome.kind]++;
    if (outcome.kind === 'completed') this.#announced.add(outcome.responseId);
    if (outcome.kind === 'failed') this.#failures.set(outcome.reason, (this.#failures.get(outcome.reason) ?? 0) + 1);
    if (outcome.kind === 'wrong' || outcome.kind === 'unfinished') this.#details.push(outcome.detail);
  }

  noteOrphans(processes: readonly string[]): void {
    this.#orphans.push(...processes);
  }

  noteLost(responseId: string): void {
    this.#lost++;
    this.#details.push(`lost: ${responseId}`);
  }

  /** Ids of the responses whose end a client saw. */
  get announced(): readonly string[] {
    return [...this.#announced];
  }

  get counts(): Readonly<Record<Outcome['kind'], number>> {
    return this.#counts;
  }

  /** Honest failures by their reason, the most frequent first. */
  get failures(): readonly (readonly [reason: string, count: number])[] {
    return [...this.#failures].toSorted(([, a], [, b]) => b - a);
  }

  /** The first few things that went against a promise. */
  get details(): readonly string[] {
    return this.#details.slice(0, DETAILS_SHOWN);
  }

  /** `residentBytes`: samples of one process over time, oldest first. */
  verdicts(residentBytes: readonly number[]): Verdict[] {
    const { completed, failed, wrong, excused, unfinished } = this.#counts;
    const all = completed + failed + wrong + excused + unfinished;
    return [
      verdict('0 stored responses lost', `${this.#lost} of ${this.#announced.size} announced`, this.#lost === 0),
      verdict('0 answers without an end', `${unfinished} of ${all} (${excused} excused)`, unfinished === 0),
      verdict('0 wrong answers', `${wrong} of ${completed + wrong}`, wrong === 0),
      verdict('0 orphans', this.#orphans.join('; ') || '0', this.#orphans.length === 0),
      flatMemory(residentBytes),
    ];
  }
}

const verdict = (promise: string, happened: string, kept: boolean): Verdict => ({ promise, happened, kept });

/** The last third against the middle one: what a start fills is full by then. */
function flatMemory(samples: readonly number[]): Verdict {
  const third = Math.floor(samples.length / 3);
  const [before, after] = [median(samples.slice(third, 2 * third)), median(samples.slice(2 * third))];
  const kept = after <= before * MAX_GROWTH + SPARE_BYTES;
  return verdict('flat memory', `${formatBytes(before)}, later ${formatBytes(after)}`, kept);
}
