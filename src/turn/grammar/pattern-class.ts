import { Refused, type PatternCursor } from './pattern-cursor.ts';
import type { CharacterSet } from './pattern-part.ts';

/**
 * Sets of characters, spelled so that the grammar keeps two things out of wide ones: what JSON must escape (it does so
 * only where a pattern is all ASCII), and `<`, which begins every control token.
 */

/** What `.` stands for, and `[^]`. */
export const ANY: CharacterSet = { text: '[^<]', size: Infinity };

/** What `\d` and its like stand for. */
const SHORTHANDS: Readonly<Record<string, CharacterSet>> = {
  d: { text: '\\d', size: 10 },
  w: { text: '\\w', size: 63 },
  s: { text: '\\s', size: 6 },
  D: { text: '[^\\d<]', size: Infinity },
  W: { text: '[^\\w<]', size: Infinity },
  S: { text: '[^\\s<]', size: Infinity },
};

/** The set that a backslash and `letter` stand for, if they do. */
export const shorthand = (letter: string): CharacterSet | null => SHORTHANDS[letter] ?? null;

/** One character. Throws `Refused` if JSON must escape it: the grammar would write it bare. */
export function oneCharacter(char: string): CharacterSet {
  const code = codeOf(char);
  if (mustBeEscaped(code)) throw bare();
  return { text: spelled(code), size: 1 };
}

interface Range {
  readonly least: number;
  readonly most: number;
}
/** A member of a class: a range of characters, or the letter of a shorthand. */
type Member = Range | string;

/** Reads a class whose `[` has been read, up to its `]`. Throws `Refused`. */
export function readClass(cursor: PatternCursor): CharacterSet {
  const isNegated = cursor.take('^');
  const members: Member[] = [];
  while (!cursor.take(']')) members.push(readMember(cursor));
  if (isNegated) return { text: `[^${members.map(memberText).join('')}<]`, size: Infinity };
  if (members.length === 0) throw new Refused('an empty class matches nothing');
  if (isEverything(members)) return ANY;
  const kept: readonly Member[] = members.flatMap((member): readonly Member[] =>
    typeof member === 'string' ? [member] : sayable(member),
  );
  if (kept.length === 0) throw bare();
  return { text: `[${kept.map(memberText).join('')}]`, size: kept.reduce((sum, member) => sum + sizeOf(member), 0) };
}

function readMember(cursor: PatternCursor): Member {
  const from = readUnit(cursor);
  if (typeof from === 'string' || cursor.peek() !== '-' || cursor.peek(1) === ']') return from;
  cursor.take('-');
  const to = readUnit(cursor);
  if (typeof to === 'string') throw new Refused('a range cannot end with a class', 'Put - at the end of the class.');
  if (to.most < from.least) throw new Refused('a range is the wrong way round');
  return { least: from.least, most: to.most };
}

/** One character as a range, or the letter of a shorthand. */
function readUnit(cursor: PatternCursor): Member {
  const char = cursor.next('a class');
  const escaped = char === '\\' ? cursor.next('a class') : null;
  if (escaped !== null && shorthand(escaped) !== null) return escaped;
  const code = codeOf(escaped === null ? char : cursor.escaped(escaped));
  return { least: code, most: code };
}

/** `[\s\S]` and its like. */
const isEverything = (members: readonly Member[]): boolean =>
  ['d', 'w', 's'].some((letter) => members.includes(letter) && members.includes(letter.toUpperCase()));

/** What may stand in JSON text out of a range; `<` only where it is named alone. */
function sayable({ least, most }: Range): readonly Range[] {
  const gaps = [0x22, 0x5c, ...(least === most ? [] : [0x3c])].toSorted((a, b) => a - b);
  const kept: Range[] = [];
  let from = Math.max(least, 0x20);
  for (const gap of [...gaps.filter((code) => from <= code && code <= most), most + 1]) {
    if (from < gap) kept.push({ least: from, most: gap - 1 });
    from = gap + 1;
  }
  return kept;
}

const sizeOf = (member: Member): number =>
  typeof member === 'string' ? (shorthand(member)?.size ?? 0) : member.most - member.least + 1;

const memberText = (member: Member): string =>
  typeof member === 'string'
    ? `\\${member}`
    : member.least === member.most
      ? spelled(member.least)
      : `${spelled(member.least)}-${spelled(member.most)}`;

/** In printable ASCII, and without a meaning of its own inside or outside a class. */
function spelled(code: number): string {
  const char = String.fromCodePoint(code);
  if (/[A-Za-z0-9_ <>=!"#%&',:;@`~]/.test(char)) return char;
  if (0x20 < code && code < 0x7f) return `\\${char}`;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

const codeOf = (char: string): number => char.codePointAt(0) ?? 0;
const mustBeEscaped = (code: number): boolean => code < 0x20 || code === 0x22 || code === 0x5c;

const bare = (): Refused =>
  new Refused(
    'the grammar would write this character bare into the JSON text',
    'Leave double quotes, backslashes and control characters out.',
  );
