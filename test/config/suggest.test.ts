import { expect, it } from 'vitest';
import { closest, editDistance } from '../../src/config/suggest.ts';

it.each([
  ['', '', 0],
  ['port', 'port', 0],
  ['prot', 'port', 1],
  ['pot', 'port', 1],
  ['ports', 'port', 1],
  ['host', 'port', 2],
  ['kitten', 'sitting', 3],
])('%s and %s are %i edits apart', (a, b, distance) => {
  expect([editDistance(a, b), editDistance(b, a)]).toEqual([distance, distance]);
});

it('the nearest name is suggested, whatever its capitals', () => {
  expect(closest('Model_Pth', ['model', 'model_path', 'python'])).toBe('model_path');
});

it('no name is suggested that shares little with the word', () => {
  expect(closest('colour', ['model', 'port', 'python'])).toBeNull();
  expect(closest('x'.repeat(10_000), ['model'])).toBeNull();
});
