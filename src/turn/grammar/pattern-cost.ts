/** Compiling costs by edges of the automaton, each by how much of the vocabulary its characters start. */
const costOf = (size: number): number => (size > 70 ? 30 : size > 30 ? 6 : size > 1 ? 3 : 0.02);

/** So many states at once are followed where repeats inside repeats make the match ambiguous. */
const MAX_AMBIGUITY = 10;

/** A piece of the automaton: whether it may be empty, what it starts with, in how many places it may end, its edges. */
export interface Part {
  readonly isNullable: boolean;
  /** What entering it costs, in milliseconds of compiling: the sum over the characters that it may start with. */
  readonly firstMs: number;
  readonly lastCount: number;
  readonly edgesMs: number;
}

/** Nothing at all. */
export const EMPTY: Part = { isNullable: true, firstMs: 0, lastCount: 0, edgesMs: 0 };
/** One character out of so many. */
export const characters = (size: number): Part => ({
  isNullable: false,
  firstMs: costOf(size),
  lastCount: 1,
  edgesMs: 0,
});

export const inSequence = (left: Part, right: Part): Part => ({
  isNullable: left.isNullable && right.isNullable,
  firstMs: left.firstMs + (left.isNullable ? right.firstMs : 0),
  lastCount: right.lastCount + (right.isNullable ? left.lastCount : 0),
  edgesMs: left.edgesMs + right.edgesMs + left.lastCount * right.firstMs,
});

export const either = (left: Part, right: Part): Part => ({
  isNullable: left.isNullable || right.isNullable,
  firstMs: left.firstMs + right.firstMs,
  lastCount: left.lastCount + right.lastCount,
  edgesMs: left.edgesMs + right.edgesMs,
});

/** `max` copies in a row, the last of them optional; without a maximum the last one loops. */
export function repeated(part: Part, min: number, max: number): Part {
  if (max === 0) return EMPTY;
  const isEndless = max === Infinity;
  const copies = isEndless ? Math.max(min, 1) : max;
  const isNullable = part.isNullable || min === 0;
  const joinMs = part.lastCount * part.firstMs * Math.min(Math.max(part.lastCount, 1), MAX_AMBIGUITY);
  const joins = part.isNullable ? (copies * (copies - 1)) / 2 : copies - 1;
  return {
    isNullable,
    firstMs: part.firstMs * (part.isNullable ? copies : 1),
    lastCount: part.lastCount * (part.isNullable ? copies : copies - Math.min(Math.max(min, 1), copies) + 1),
    edgesMs: copies * part.edgesMs + joins * joinMs + (isEndless ? part.lastCount * part.firstMs : 0),
  };
}

/** What compiling a whole pattern costs the engine, in milliseconds of one core. */
export const compileMs = (whole: Part): number => whole.firstMs + whole.edgesMs;
