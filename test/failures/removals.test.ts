import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FAILURE_MODES } from '../../scripts/failures/modes.ts';
import { removeRemedy } from '../../scripts/failures/without-remedy.ts';

const ROOT = new URL('../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8');

it.each(FAILURE_MODES)('mode $number has tests, and every edit that removes a remedy fits the source', (mode) => {
  expect(mode.tests.every((file) => read(file).length > 0)).toBe(true);
  for (const removal of mode.removals) expect(removeRemedy(read(removal.file), removal)).not.toBe(read(removal.file));
  expect(mode.tests).toEqual(expect.arrayContaining(mode.removals.flatMap(({ tests }) => tests)));
  expect(mode.removals.length).toBeGreaterThan(0);
});
