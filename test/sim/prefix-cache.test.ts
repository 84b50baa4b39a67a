import { describe, expect, it } from 'vitest';
import { PrefixCache } from '../../src/sim/prefix-cache.ts';

const ids = (length: number, first = 0): number[] => Array.from({ length }, (_, index) => first + index);

/** A cache that has served `prompt` and generated `output` after it. */
function cacheAfter(retainAll: boolean, prompt: readonly number[], output: readonly number[] = []): PrefixCache {
  const cache = new PrefixCache({ capacityBlocks: 1000, retainAll });
  cache.remember([...prompt, ...output.slice(0, -1)], prompt.length, '');
  return cache;
}

// The numbers are measured on vLLM 0.32 with gpt-oss.
describe('the prefix cache', () => {
  it.each([
    [128, 0],
    [129, 128],
    [256, 128],
    [257, 256],
    [1090, 1024],
  ])('of a repeated prompt of %i tokens has %i', (length, cached) => {
    expect(cacheAfter(true, ids(length)).match(ids(length), '')).toBe(cached);
    expect(cacheAfter(false, ids(length)).match(ids(length), '')).toBe(cached);
  });

  it.each([
    { of: 'prompt and output', prompt: ids(73), output: ids(580, 73), next: ids(653), cached: [640, 0] },
    { of: 'prompt and a shorter output', prompt: ids(73), output: ids(200, 73), next: ids(273), cached: [256, 0] },
    {
      of: 'the same history with another question',
      prompt: ids(645),
      output: [],
      next: [...ids(636), ...ids(9, 9000)],
      cached: [512, 0],
    },
    {
      of: 'half of an old prompt',
      prompt: ids(1090),
      output: [],
      next: [...ids(300), ...ids(34, 9000)],
      cached: [256, 0],
    },
    {
      of: 'a prompt and the beginning of its output',
      prompt: ids(1090),
      output: ids(40, 1090),
      next: ids(1130),
      cached: [1024, 1024],
    },
  ])('has of $of all full blocks, or without retention the end of a prompt', ({ prompt, output, next, cached }) => {
    expect([true, false].map((retainAll) => cacheAfter(retainAll, prompt, output).match(next, ''))).toEqual(cached);
  });

  it('knows nothing under another salt', () => {
    const cache = new PrefixCache({ capacityBlocks: 1000, retainAll: true });
    cache.remember(ids(300), 300, 'a');
    expect(cache.match(ids(300), 'a')).toBe(256);
    expect(cache.match(ids(300), 'b')).toBe(0);
    expect(cache.match(ids(300), '')).toBe(0);
  });

  it('forgets what was not used for longest', () => {
    const cache = new PrefixCache({ capacityBlocks: 4, retainAll: true });
    cache.remember(ids(257, 0), 257, '');
    cache.remember(ids(257, 1000), 257, '');
    cache.remember(ids(257, 0), 257, '');
    cache.remember(ids(257, 2000), 257, '');
    expect([0, 1000, 2000].map((first) => cache.match(ids(257, first), ''))).toEqual([256, 0, 256]);
  });
});
