import { ANY, oneCharacter, readClass, shorthand } from './pattern-class.ts';
import { PatternCursor, Refused } from './pattern-cursor.ts';
import { compileMs, either, EMPTY, grouped, inSequence, oneOf, repeated, type Part } from './pattern-part.ts';

/** What the grammar makes of a regular expression. */
export type PatternVerdict =
  | {
      readonly kind: 'held';
      /** The same expression as the grammar must be given it. */
      readonly grammarPattern: string;
      readonly compileMs: number;
    }
  | { readonly kind: 'refused'; readonly reason: string; readonly remedy?: string };

/**
 * Judges a `pattern` and spells it so that the grammar (xgrammar 0.2.8) holds it: anchored, since it always matches the
 * whole text; in ASCII and without `?` after a group, which it gets wrong otherwise; with `.` and other wide sets
 * without `<`. Whatever it lets through matches the pattern. It cannot hold look-around, back-references, `\b`, `\p`,
 * unknown escapes, anchors inside, characters that JSON must escape (it would write them bare), and counts above 128
 * (then the engine answers 500). Linear in the pattern.
 */
export function judgePattern(pattern: string): PatternVerdict {
  if (pattern.length > MAX_LENGTH) {
    return { kind: 'refused', reason: `it is longer than ${MAX_LENGTH.toLocaleString('en-US')} characters` };
  }
  try {
    const whole = new PatternReader(pattern).read();
    return { kind: 'held', grammarPattern: `^${grouped(whole).text}$`, compileMs: compileMs(whole) };
  } catch (error) {
    if (error instanceof Refused) return { kind: 'refused', reason: error.message, ...error.advice };
    throw error;
  }
}

const MAX_LENGTH = 10_000;
const MAX_REPEATS = 128;
const MAX_GROUPS_DEEP = 50;
const ANYTHING = repeated(oneOf(ANY), 0, Infinity);

class PatternReader {
  readonly #cursor: PatternCursor;

  constructor(pattern: string) {
    this.#cursor = new PatternCursor(pattern);
  }

  read(): Part {
    let whole = this.#branch();
    while (this.#cursor.take('|')) whole = either(whole, this.#branch());
    if (this.#cursor.peek() === ')') throw new Refused('a parenthesis is closed that was not opened');
    if (this.#cursor.peek() !== undefined) throw innerAnchor();
    return whole;
  }

  /** One side of a `|` at the top. Without an anchor anything may stand there. */
  #branch(): Part {
    const before = this.#cursor.take('^') ? EMPTY : ANYTHING;
    const middle = this.#sequence(0);
    const after = this.#cursor.take('$') ? EMPTY : ANYTHING;
    return inSequence(inSequence(before, middle), after);
  }

  #alternatives(depth: number): Part {
    let whole = this.#sequence(depth);
    while (this.#cursor.take('|')) whole = either(whole, this.#sequence(depth));
    return whole;
  }

  /** Up to a `|`, a `)` or, at the top, a `$`. */
  #sequence(depth: number): Part {
    let whole = EMPTY;
    for (;;) {
      const char = this.#cursor.peek();
      if (char === undefined || char === '|' || char === ')') return whole;
      if (char === '$' && depth === 0) return whole;
      whole = inSequence(whole, this.#quantified(this.#atom(depth)));
    }
  }

  #atom(depth: number): Part {
    const char = this.#cursor.next('an expression');
    switch (char) {
      case '(':
        return this.#group(depth + 1);
      case '[':
        return oneOf(readClass(this.#cursor));
      case '.':
        return oneOf(ANY);
      case '\\':
        return this.#escape();
      case '^':
      case '$':
        throw innerAnchor();
      case '*':
      case '+':
      case '?':
        throw new Refused(`nothing stands before \`${char}\` that it could repeat`);
      case '{':
        throw new Refused('the grammar takes `{` for a repeat', 'Write \\{ for the character.');
      default:
        return oneOf(oneCharacter(char));
    }
  }

  #group(depth: number): Part {
    if (depth > MAX_GROUPS_DEEP) throw new Refused(`groups nest more than ${MAX_GROUPS_DEEP} deep`);
    if (this.#cursor.take('?')) this.#groupKind();
    const inner = this.#alternatives(depth);
    if (!this.#cursor.take(')')) throw new Refused('a parenthesis is not closed');
    return grouped(inner);
  }

  #groupKind(): void {
    if (this.#cursor.takeMatch(/^(?::|P?<[A-Za-z_]\w*>)/) !== null) return;
    const isLook = this.#cursor.takeMatch(/^<?[=!]/) !== null;
    throw new Refused(
      isLook ? 'the grammar ignores look-ahead and look-behind' : 'the grammar knows no flags or special groups',
      isLook ? 'Write out what is allowed.' : 'Use (?: … ).',
    );
  }

  #quantified(part: Part): Part {
    const counts = this.#quantifier();
    if (counts === null) return part;
    this.#cursor.take('?');
    if (/^[*+?{]$/.test(this.#cursor.peek() ?? '')) throw new Refused('a repeat follows a repeat');
    return repeated(part, ...counts);
  }

  #quantifier(): readonly [min: number, max: number] | null {
    if (this.#cursor.take('*')) return [0, Infinity];
    if (this.#cursor.take('+')) return [1, Infinity];
    if (this.#cursor.take('?')) return [0, 1];
    if (!this.#cursor.take('{')) return null;
    const counts = /^(\d+)(,?)(\d*)\}/.exec(this.#cursor.takeMatch(/^\d+,?\d*\}/) ?? '');
    if (!counts) throw new Refused('a `{` begins no repeat', 'Write {n}, {n,} or {n,m}, and \\{ for a brace.');
    const min = Number(counts[1]);
    const max = counts[2] === '' ? min : counts[3] === '' ? Infinity : Number(counts[3]);
    if (min > max) throw new Refused('the least of a repeat is more than its most');
    if (min > MAX_REPEATS || (max !== Infinity && max > MAX_REPEATS)) {
      const remedy = 'Use * or +, and state the length in the description.';
      throw new Refused(`the grammar counts up to ${MAX_REPEATS}`, remedy);
    }
    return [min, max];
  }

  #escape(): Part {
    const char = this.#cursor.next('an escape');
    return oneOf(shorthand(char) ?? oneCharacter(this.#cursor.escaped(char)));
  }
}

const innerAnchor = (): Refused =>
  new Refused(
    'the grammar ignores ^ and $ inside a pattern',
    'Put ^ only at the start, $ only at the end, of the pattern or of a side of a top-level |.',
  );
