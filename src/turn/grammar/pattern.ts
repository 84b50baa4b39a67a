import { characters, compileMs, either, EMPTY, inSequence, repeated, type Part } from './pattern-cost.ts';

/** What the grammar makes of a regular expression. */
export type PatternVerdict =
  | { readonly kind: 'held'; readonly compileMs: number }
  | { readonly kind: 'refused'; readonly reason: string; readonly remedy?: string };

/**
 * Judges a `pattern` as the grammar would take it (xgrammar 0.2.8): it matches the whole text between the quotes, as it
 * is written in JSON. Without look-around, back-references, `\b`, `\p`, unknown escapes, anchors inside, and characters
 * that JSON must escape (the grammar would write them bare); counts go up to 128 (above it the engine answers 500).
 * Linear in the pattern.
 */
export function judgePattern(pattern: string): PatternVerdict {
  if (pattern.length > MAX_LENGTH) {
    return { kind: 'refused', reason: `it is longer than ${MAX_LENGTH.toLocaleString('en-US')} characters` };
  }
  const reader = new PatternReader(pattern);
  try {
    return { kind: 'held', compileMs: reader.read() };
  } catch (error) {
    if (error instanceof Refused) return { kind: 'refused', reason: error.message, ...error.advice };
    throw error;
  }
}

/** Characters that the shorthand classes take; the capital ones take nearly all. */
const SHORTHAND_SIZE: Readonly<Record<string, number>> = { d: 10, w: 63, s: 6 };
const MAX_LENGTH = 10_000;
const MAX_REPEATS = 128;
const MAX_GROUPS_DEEP = 50;
const ANCHOR_REMEDY =
  'Begin with ^ and end with $ on each side of a top-level |, with .* where anything may stand: ^abc.*$';
const BARE_REMEDY = 'Leave double quotes, backslashes and control characters out.';

class Refused extends Error {
  readonly advice: { readonly remedy?: string };

  constructor(reason: string, remedy?: string) {
    super(reason);
    this.advice = remedy === undefined ? {} : { remedy };
  }
}

class PatternReader {
  readonly #chars: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#chars = Array.from(pattern);
  }

  /** Reads the whole pattern and returns what compiling it costs, in milliseconds. */
  read(): number {
    let whole: Part | null = null;
    do {
      if (!this.#take('^'))
        throw new Refused(
          'the grammar takes a pattern for the whole text, and this one does not say how the text begins',
          ANCHOR_REMEDY,
        );
      const branch = this.#sequence(0);
      if (!this.#take('$')) {
        if (this.#peek() === ')') throw new Refused('a parenthesis is closed that was not opened');
        throw new Refused(
          'the grammar takes a pattern for the whole text, and this one does not say how the text ends',
          ANCHOR_REMEDY,
        );
      }
      whole = whole === null ? branch : either(whole, branch);
    } while (this.#take('|'));
    if (this.#peek() !== undefined) throw new Refused('the grammar ignores ^ and $ inside a pattern', ANCHOR_REMEDY);
    return compileMs(whole);
  }

  #peek(): string | undefined {
    return this.#chars[this.#at];
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }

  #next(what: string): string {
    const char = this.#chars[this.#at++];
    if (char === undefined) throw new Refused(`the pattern ends inside ${what}`);
    return char;
  }

  #alternatives(depth: number): Part {
    let whole = this.#sequence(depth);
    while (this.#take('|')) whole = either(whole, this.#sequence(depth));
    return whole;
  }

  /** Up to a `|`, a `)` or, at the top, the final `$`. */
  #sequence(depth: number): Part {
    let whole = EMPTY;
    for (;;) {
      const char = this.#peek();
      if (char === undefined || char === '|' || char === ')') return whole;
      if (char === '$' && depth === 0) return whole;
      whole = inSequence(whole, this.#quantified(this.#atom(depth)));
    }
  }

  #atom(depth: number): Part {
    const char = this.#next('an expression');
    switch (char) {
      case '(':
        return this.#group(depth + 1);
      case '[':
        return this.#charClass();
      case '.':
        return characters(Infinity);
      case '\\':
        return this.#escape();
      case '^':
      case '$':
        throw new Refused('the grammar ignores ^ and $ inside a pattern', ANCHOR_REMEDY);
      case '*':
      case '+':
      case '?':
        throw new Refused(`nothing stands before \`${char}\` that it could repeat`);
      case '{':
        throw new Refused('the grammar takes `{` for a repeat', 'Write \\{ for the character.');
      default:
        return literal(char);
    }
  }

  #group(depth: number): Part {
    if (depth > MAX_GROUPS_DEEP) throw new Refused(`groups nest more than ${MAX_GROUPS_DEEP} deep`);
    if (this.#take('?')) this.#groupKind();
    const inner = this.#alternatives(depth);
    if (!this.#take(')')) throw new Refused('a parenthesis is not closed');
    return inner;
  }

  #groupKind(): void {
    const rest = this.#chars.slice(this.#at, this.#at + 80).join('');
    const kind = /^(?::|P?<[A-Za-z_][A-Za-z0-9_]*>)/.exec(rest)?.[0];
    if (kind === undefined) {
      const isLook = /^<?[=!]/.test(rest);
      throw new Refused(
        isLook ? 'the grammar ignores look-ahead and look-behind' : 'the grammar knows no flags or special groups',
        isLook ? 'Write out what is allowed.' : 'Use (?: … ).',
      );
    }
    this.#at += kind.length;
  }

  #quantified(part: Part): Part {
    const counts = this.#quantifier();
    if (counts === null) return part;
    this.#take('?');
    if (/^[*+?{]$/.test(this.#peek() ?? '')) throw new Refused('a repeat follows a repeat');
    return repeated(part, ...counts);
  }

  #quantifier(): readonly [min: number, max: number] | null {
    if (this.#take('*')) return [0, Infinity];
    if (this.#take('+')) return [1, Infinity];
    if (this.#take('?')) return [0, 1];
    if (!this.#take('{')) return null;
    let inside = '';
    for (let char = this.#next('a repeat'); char !== '}'; char = this.#next('a repeat')) inside += char;
    const parts = /^(\d+)(,?)(\d*)$/.exec(inside);
    if (!parts)
      throw new Refused(`\`{${inside}}\` is no repeat`, 'Write {n}, {n,} or {n,m}, and \\{ for the character.');
    const min = Number(parts[1]);
    const max = parts[2] === '' ? min : parts[3] === '' ? Infinity : Number(parts[3]);
    if (min > max) throw new Refused(`\`{${inside}}\` is no repeat: the least is more than the most`);
    if (min > MAX_REPEATS || (max !== Infinity && max > MAX_REPEATS)) {
      throw new Refused(
        `the grammar counts up to ${MAX_REPEATS}`,
        'Use * or +, and state the length in the description.',
      );
    }
    return [min, max];
  }

  #escape(): Part {
    const char = this.#next('an escape');
    if (/[wWdDsS]/.test(char)) return characters(SHORTHAND_SIZE[char] ?? Infinity);
    return literal(this.#escapedCharacter(char));
  }

  /** The character that a backslash and `char` stand for. */
  #escapedCharacter(char: string): string {
    if (/[1-9k]/.test(char)) throw new Refused('the grammar knows no back-references');
    if (/[bB]/.test(char)) throw new Refused('the grammar knows no word boundaries');
    if (/[pP]/.test(char)) throw new Refused('the grammar knows no Unicode classes', 'List the characters: [A-Za-z].');
    const control = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v', 0: '\0', c: '\0' }[char];
    if (control !== undefined) return control;
    if (char === 'x') return this.#codePoint(/^[0-9A-Fa-f]{2}/);
    if (char === 'u') return this.#codePoint(/^(?:[0-9A-Fa-f]{4}|\{[0-9A-Fa-f]{1,6}\})/);
    if (/[A-Za-z]/.test(char)) throw new Refused(`the grammar does not know the escape \`\\${char}\``);
    return char;
  }

  #codePoint(form: RegExp): string {
    const digits = form.exec(this.#chars.slice(this.#at, this.#at + 8).join(''))?.[0];
    const codePoint = digits === undefined ? NaN : Number.parseInt(digits.replace(/[{}]/g, ''), 16);
    if (digits === undefined || codePoint > 0x10ffff) throw new Refused('an escape names no character');
    this.#at += digits.length;
    return String.fromCodePoint(codePoint);
  }

  #charClass(): Part {
    const isNegated = this.#take('^');
    const members: (readonly [from: number, to: number])[] = [];
    let size = 0;
    while (!this.#take(']')) {
      const from = this.#classMember();
      if (typeof from === 'number') {
        size += from;
        continue;
      }
      const to = this.#rangeEnd(from);
      members.push([codeOf(from), codeOf(to)]);
      size += codeOf(to) - codeOf(from) + 1;
    }
    if (size === 0 && !isNegated) throw new Refused('an empty class matches nothing');
    if (isNegated) return characters(Infinity);
    const isBare =
      members.some(([from]) => from < 0x20) || (size === 1 && members.some(([from]) => mustBeEscaped(from)));
    if (isBare) throw new Refused('the grammar would write this character bare into the JSON text', BARE_REMEDY);
    return characters(size);
  }

  /** One character, or the number of characters that a shorthand such as `\d` stands for. */
  #classMember(): string | number {
    const char = this.#next('a class');
    if (char !== '\\') return char;
    const escaped = this.#next('a class');
    if (!/[wWdDsS]/.test(escaped)) return this.#escapedCharacter(escaped);
    return SHORTHAND_SIZE[escaped] ?? Infinity;
  }

  #rangeEnd(from: string): string {
    if (this.#peek() !== '-' || this.#chars[this.#at + 1] === ']') return from;
    this.#at++;
    const to = this.#classMember();
    if (typeof to === 'number') throw new Refused('a range cannot end with a class', 'Put - at the end of the class.');
    if (codeOf(to) < codeOf(from)) throw new Refused(`the range \`${from}-${to}\` is the wrong way round`);
    return to;
  }
}

const codeOf = (char: string): number => char.codePointAt(0) ?? 0;
const mustBeEscaped = (code: number): boolean => code < 0x20 || code === 0x22 || code === 0x5c;

function literal(char: string): Part {
  if (!mustBeEscaped(codeOf(char))) return characters(1);
  throw new Refused('the grammar would write this character bare into the JSON text', BARE_REMEDY);
}
