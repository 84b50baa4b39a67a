import { describe, expect, it } from 'vitest';
import { StopStrings } from '../../src/turn/stop-strings.ts';

/** What is passed on for each text and at the end, up to the first stop string. */
function pass(stops: readonly string[], texts: readonly string[]) {
  const strings = new StopStrings(stops);
  const passed: string[] = [];
  for (const text of texts) if (!strings.isFound) passed.push(strings.push(text));
  if (!strings.isFound) passed.push(strings.flush());
  return { passed, isFound: strings.isFound };
}

describe('StopStrings', () => {
  it('passes on what stands before a stop string, also one that comes in pieces', () => {
    expect(pass(['STOP'], ['abc S', 'T', 'OP def'])).toEqual({ passed: ['abc ', '', ''], isFound: true });
  });

  it('passes on what only looked like one', () => {
    expect(pass(['STOP'], ['ST', 'ONE'])).toEqual({ passed: ['', 'STONE', ''], isFound: false });
    expect(pass(['STOP'], ['the end: STO'])).toEqual({ passed: ['the end: ', 'STO'], isFound: false });
  });

  it('takes the earliest of several', () => {
    expect(pass(['x', 'b'], ['abcx'])).toEqual({ passed: ['a'], isFound: true });
  });

  it('passes everything on at once where there is none', () => {
    expect(pass([], ['abc', 'def'])).toEqual({ passed: ['abc', 'def', ''], isFound: false });
  });

  it('finds every cut of a stop string in a text', () => {
    const text = 'one ### two';
    for (let cut = 0; cut <= text.length; cut++) {
      expect(pass(['###'], [text.slice(0, cut), text.slice(cut)]).passed.join('')).toBe('one ');
    }
  });
});
