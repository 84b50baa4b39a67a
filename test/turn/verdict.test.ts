import { expect, it } from 'vitest';
import { verdictOn, type Verdict } from '../../src/turn/verdict.ts';

/** Ends are spelled as letters: `ab` ran on two engines when they ended. */
const ends = (letters: string): ReadonlySet<string> => new Set(letters);

it.each<[Verdict, string, string, string[]]>([
  ['free', 'no engine ended under it', '', []],
  ['free', 'one engine ended, also under it alone', 'a', []],
  ['guilty', 'two engines ended under it alone', 'ab', []],
  ['guilty', 'others were there once each', 'ab', ['a', 'b', 'ac']],
  ['apart', 'another was there each time', 'ab', ['a', 'ab']],
  ['apart', 'another was there each time and elsewhere too', 'ab', ['abc']],
  ['guilty', 'the one that was there twice was not the third time', 'abc', ['ab', 'ac']],
])('a request is %s where %s', (verdict, _, own, others) => {
  expect(verdictOn(ends(own), others.map(ends))).toBe(verdict);
});
