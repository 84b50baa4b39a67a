import { expect, test } from 'vitest';
import { generateText } from '../../scripts/harmony/generate-text.ts';
import { Random } from '../../scripts/harmony/random.ts';
import { PieceScanner } from '../../src/harmony/piece-scanner.ts';

/** The pattern itself, as a second opinion. JavaScript's `\s` is another set, so it is spelled out. */
const S = String.raw`\p{White_Space}`;
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const SUFFIX = `(?:'s|'t|'re|'ve|'m|'ll|'d|'S|'T|'[Rr][Ee]|'[Vv][Ee]|'M|'[Ll][Ll]|'D|'ſ)?`;
const PATTERN = new RegExp(
  [
    String.raw`[^\r\n\p{L}\p{N}]?${UPPER}*${LOWER}+${SUFFIX}`,
    String.raw`[^\r\n\p{L}\p{N}]?${UPPER}+${LOWER}*${SUFFIX}`,
    String.raw`\p{N}{1,3}`,
    String.raw` ?[^${S}\p{L}\p{N}]+[\r\n/]*`,
    String.raw`${S}*[\r\n]+`,
    `${S}+(?!${S.replace('p', 'P')})`,
    `${S}+`,
  ].join('|'),
  'gu',
);

function scan(text: string, budget: number): string[] {
  const scanner = new PieceScanner(text);
  const pieces: string[] = [];
  for (let start = 0; !scanner.done;) {
    const end = scanner.next(budget);
    if (end === -1) continue;
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

test.each([1, 3, 1000])('cuts like the pattern, looking at %i characters at a time', (budget) => {
  const random = new Random(budget);
  for (const text of random.times(400, () => generateText(random))) {
    expect(scan(text, budget)).toEqual(text.match(PATTERN) ?? []);
  }
});

/** Every word of up to five of these characters: one of each class, and the ones that the pattern names. */
test('cuts like the pattern, for every short mix of classes', () => {
  const alphabet = ['A', 'a', '語', '\u0301', '1', ' ', '\t', '\n', '.', '/', "'", 's'];
  let texts = [''];
  for (let length = 1; length <= 4; length++) {
    texts = texts.flatMap((text) => alphabet.map((letter) => text + letter));
    const wrong = texts.filter((text) => scan(text, 1000).join('|') !== (text.match(PATTERN) ?? []).join('|'));
    expect(wrong).toEqual([]);
  }
});

test('cuts like the pattern, for words of any length and what may end them', () => {
  const ends = ['', ' ', '.', "'", "'s", "'x", '\n', 'A', '1', 'é', '語', '\u0301', '\u00a0', '𝒜'];
  for (let length = 1; length <= 40; length++) {
    const words = ['', ' ', 'A', ' A', '.', '\n'].map((front) => front + 'a'.repeat(length));
    const texts = words.flatMap((word) => ends.map((end) => word + end));
    const wrong = texts.filter((text) => scan(text, 1000).join('|') !== (text.match(PATTERN) ?? []).join('|'));
    expect(wrong).toEqual([]);
  }
});

test('stops in the middle of a run and goes on where it stopped', () => {
  const scanner = new PieceScanner('a'.repeat(10));
  expect([scanner.next(4), scanner.next(4), scanner.next(4)]).toEqual([-1, -1, 10]);
  expect(scanner.done).toBe(true);
});
