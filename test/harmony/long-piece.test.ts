import { expect, test } from 'vitest';
import { Random } from '../../scripts/harmony/random.ts';
import { BytePairMerge } from '../../src/harmony/byte-pair-merge.ts';
import { LongPiece } from '../../src/harmony/long-piece.ts';
import { vocabulary } from '../support/vocabulary.ts';

const ALPHABETS = ['ab', 'aA', 'etaoin', 'abcdefghijklmnopqrstuvwxyz', 'the and', '!?.,-=_*#/', '\n\r'];
const WIDE = ['語', '言', 'é', '\u0301', '👩', '\ud800', 'x'];

function mergeWhole(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  const merge = new BytePairMerge(vocabulary);
  merge.run(bytes, 0, bytes.length);
  return [...merge.ids.subarray(0, merge.count)];
}

function mergeInWindows(text: string, windowBytes: number): number[] {
  const piece = new LongPiece(vocabulary, text, windowBytes);
  const ids: number[] = [];
  while (!piece.advance(ids));
  return ids;
}

function randomPiece(random: Random): string {
  const length = random.between(1, 900);
  const letters = random.chance(20) ? WIDE : random.pick(ALPHABETS).split('');
  const unit = random.times(random.between(1, 12), () => random.pick(letters)).join('');
  if (random.chance(25)) return unit.repeat(Math.ceil(length / unit.length));
  return random.times(length, () => random.pick(letters).repeat(random.chance(20) ? random.between(1, 9) : 1)).join('');
}

/** Small windows make every way of meeting at a window's end happen often. */
test.each([8, 16, 64, 256])('windows of %i bytes give the tokens of the whole piece', (windowBytes) => {
  const random = new Random(windowBytes);
  for (const piece of random.times(150, () => randomPiece(random))) {
    expect(mergeInWindows(piece, windowBytes)).toEqual(mergeWhole(piece));
  }
});

/** Every pair in this word has a lower rank than the one before it, so that its end decides how its beginning is cut. */
const DOMINO = 'cqyjhgzlwfjmwjbmvnmxlpdmcvuoqaezzujuzyltihrupptrorer';

test('a window grows until its end no longer reaches back to its beginning', () => {
  const shorter = DOMINO.slice(0, -1);
  expect(mergeWhole(DOMINO)[0]).not.toBe(mergeWhole(shorter)[0]);
  for (const word of [DOMINO, shorter, DOMINO.repeat(20)]) {
    expect(mergeInWindows(word, 16)).toEqual(mergeWhole(word));
  }
});

test('one call merges one window, however long the piece is', () => {
  const piece = new LongPiece(vocabulary, 'a'.repeat(10_000), 256);
  const ids: number[] = [];
  expect(piece.windowBytes).toBe(256);
  expect(piece.advance(ids)).toBe(false);
  expect(ids.length).toBe(16);
});
