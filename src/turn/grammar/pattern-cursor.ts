/** A pattern that the grammar does not hold; `advice` may say what to write instead. */
export class Refused extends Error {
  readonly advice: { readonly remedy?: string };

  constructor(reason: string, remedy?: string) {
    super(reason);
    this.advice = remedy === undefined ? {} : { remedy };
  }
}

/** Walks over the characters of a pattern. */
export class PatternCursor {
  readonly #chars: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#chars = Array.from(pattern);
  }

  /** The character `ahead` of the next one, without moving; undefined behind the end. */
  peek(ahead = 0): string | undefined {
    return this.#chars[this.#at + ahead];
  }

  /** Moves over `char` if it is next. */
  take(char: string): boolean {
    if (this.peek() !== char) return false;
    this.#at++;
    return true;
  }

  /** Moves over what matches `form`, at most 80 characters, and returns it. */
  takeMatch(form: RegExp): string | null {
    const found = form.exec(this.#chars.slice(this.#at, this.#at + 80).join(''))?.[0];
    if (found === undefined) return null;
    this.#at += Array.from(found).length;
    return found;
  }

  /** The next character. Throws `Refused` at the end, inside `what`. */
  next(what: string): string {
    const char = this.#chars[this.#at++];
    if (char === undefined) throw new Refused(`the pattern ends inside ${what}`);
    return char;
  }

  /** The character that a backslash and `char`, the one after it, stand for. Throws `Refused` for anything else. */
  escaped(char: string): string {
    if (/[1-9k]/.test(char)) throw new Refused('the grammar knows no back-references');
    if (/[bB]/.test(char)) throw new Refused('the grammar knows no word boundaries');
    if (/[pP]/.test(char)) throw new Refused('the grammar knows no Unicode classes', 'List the characters: [A-Za-z].');
    const control = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v', 0: '\0', c: '\0' }[char];
    if (control !== undefined) return control;
    if (char === 'x') return this.#codePoint(/^[0-9A-Fa-f]{2}/);
    if (char === 'u') return this.#codePoint(/^[0-9A-Fa-f]{4}/);
    if (/[A-Za-z]/.test(char)) throw new Refused(`the grammar does not know the escape \`\\${char}\``);
    return char;
  }

  #codePoint(form: RegExp): string {
    const digits = this.takeMatch(form);
    if (digits === null) throw new Refused('an escape names no character');
    return String.fromCodePoint(Number.parseInt(digits, 16));
  }
}
