import { problem, type GrammarProblem } from './problem.ts';

/**
 * How long the engine takes to compile a schema, in milliseconds of one core: measured with xgrammar 0.2.8 and the
 * gpt-oss vocabulary (scripts/harmony/grammar-probe.py). It is an estimate within about a factor of two; what it
 * guards against grows quadratically and passes it by far.
 */
export const COMPILE_MS = {
  base: 100,
  property: 2.2,
  /** For each pair of optional properties of one object: any subset may be left out. */
  optionalPair: 0.1,
  /** The same where properties are counted, times the number that they are counted to. */
  countedPair: 0.06,
  /** Keys beside the listed ones: the grammar tells every other key from them. */
  openObject: 200,
  array: 2.7,
  element: 1.2,
  branch: 1,
  reference: 0.3,
  range: 4,
  enumValue: 0.05,
  enumCharacter: 0.006,
  multipleOfSquare: 0.0011,
} as const;

/** One request may hold a compiling thread of the engine for about a second. */
const LIMIT_MS = 1_000;

/** Adds up what compiling costs and remembers the dearest place. */
export class CompileCost {
  #totalMs: number = COMPILE_MS.base;
  #dearest = { path: '', costMs: 0 };
  readonly #patterns = new Set<string>();

  add(path: string, costMs: number): void {
    this.#totalMs += costMs;
    if (costMs > this.#dearest.costMs) this.#dearest = { path, costMs };
  }

  /** A pattern that stands in several places is compiled once. */
  addPattern(path: string, pattern: string, costMs: number): void {
    if (this.#patterns.has(pattern)) return;
    this.#patterns.add(pattern);
    this.add(path, costMs);
  }

  problem(): GrammarProblem | null {
    if (this.#totalMs <= LIMIT_MS) return null;
    const seconds = Math.round(this.#totalMs / 1000);
    return problem(
      this.#dearest.path,
      `the engine would take ${seconds > 60 ? 'more than a minute' : `about ${Math.max(seconds, 1)} s`} to compile this schema, most of it here`,
      'Make it smaller: fewer properties, alternatives or repeats.',
    );
  }
}
