/** A part of a pattern: how it is spelled for the grammar, and the automaton that the grammar makes of it. */
export interface Part {
  readonly text: string;
  readonly isNullable: boolean;
  /** What entering it costs, in milliseconds of compiling: the sum over the character sets that it may start with. */
  readonly firstMs: number;
  /** In how many places it may end. */
  readonly lastCount: number;
  /** What the edges inside cost. */
  readonly edgesMs: number;
}

/** The characters that one place may take, and their spelling; `size` is Infinity for nearly all. */
export interface CharacterSet {
  readonly text: string;
  readonly size: number;
}

/** Each edge of the automaton costs by how much of the vocabulary its characters start (xgrammar 0.2.8, measured). */
const costOf = (size: number): number => (size > 70 ? 30 : size > 30 ? 6 : size > 1 ? 3 : 0.02);

/** So many states at once are followed where repeats inside repeats make the match ambiguous. */
const MAX_AMBIGUITY = 10;

export const EMPTY: Part = { text: '', isNullable: true, firstMs: 0, lastCount: 0, edgesMs: 0 };

export const oneOf = ({ text, size }: CharacterSet): Part => ({
  text,
  isNullable: false,
  firstMs: costOf(size),
  lastCount: 1,
  edgesMs: 0,
});

export const inSequence = (left: Part, right: Part): Part => ({
  text: left.text + right.text,
  isNullable: left.isNullable && right.isNullable,
  firstMs: left.firstMs + (left.isNullable ? right.firstMs : 0),
  lastCount: right.lastCount + (right.isNullable ? left.lastCount : 0),
  edgesMs: left.edgesMs + right.edgesMs + left.lastCount * right.firstMs,
});

export const either = (left: Part, right: Part): Part => ({
  text: `${left.text}|${right.text}`,
  isNullable: left.isNullable || right.isNullable,
  firstMs: left.firstMs + right.firstMs,
  lastCount: left.lastCount + right.lastCount,
  edgesMs: left.edgesMs + right.edgesMs,
});

export const grouped = (part: Part): Part => (part.text === '' ? EMPTY : { ...part, text: `(?:${part.text})` });

/** `max` copies in a row, those above `min` optional; Infinity is any number of them. */
export function repeated(part: Part, min: number, max: number): Part {
  if (max === 0 || part.text === '') return EMPTY;
  const isEndless = max === Infinity;
  const copies = isEndless ? Math.max(min, 1) : max;
  const joinMs = part.lastCount * part.firstMs * Math.min(Math.max(part.lastCount, 1), MAX_AMBIGUITY);
  const joins = part.isNullable ? (copies * (copies - 1)) / 2 : copies - 1;
  const endings = part.isNullable ? copies : copies - Math.min(Math.max(min, 1), copies) + 1;
  return {
    text: part.text + quantifier(part, min, max),
    isNullable: part.isNullable || min === 0,
    firstMs: part.firstMs * (part.isNullable ? copies : 1),
    lastCount: part.lastCount * endings,
    edgesMs: copies * part.edgesMs + joins * joinMs + (isEndless ? part.lastCount * part.firstMs : 0),
  };
}

/** After a group `{0,1}` stands for `?`: with that the grammar lets loops inside the group be entered halfway. */
function quantifier({ text }: Part, min: number, max: number): string {
  if (max === Infinity) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  if (min === 0 && max === 1 && !text.startsWith('(')) return '?';
  return min === max ? `{${min}}` : `{${min},${max}}`;
}

/** What compiling a whole pattern costs the engine, in milliseconds of one core. */
export const compileMs = (whole: Part): number => whole.firstMs + whole.edgesMs;
