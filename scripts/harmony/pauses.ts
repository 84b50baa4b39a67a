import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextLoopTurn } from 'node:timers/promises';
import { startEncoding } from '../../src/harmony/encode.ts';
import type { Vocabulary } from '../../src/harmony/vocabulary.ts';

const MEGABYTE = 1_000_000;
const fill = (unit: string): string => unit.repeat(Math.ceil(MEGABYTE / Buffer.byteLength(unit)));

const INPUTS: Readonly<Record<string, string>> = {
  'one letter': fill('a'),
  'one capital': fill('A'),
  prose: fill('The quick brown fox jumps over the lazy dog, twice. '),
  'one ideograph': fill('語'),
  'many ideographs': Array.from({ length: MEGABYTE / 3 }, (_, index) =>
    String.fromCodePoint(0x4e00 + ((index * 7919) % 20_000)),
  ).join(''),
  spaces: fill(' '),
  'line ends': fill('\n'),
  digits: fill('7'),
  punctuation: fill('!'),
  emoji: fill('👩‍💻'),
  'combining marks': fill('\u0301'),
  'random letters': Array.from({ length: MEGABYTE }, (_, index) =>
    String.fromCharCode(97 + ((Math.imul(index + 1, 2_654_435_761) >>> 24) % 26)),
  ).join(''),
  'control token spellings': fill('<|end|>'),
};

/** Encodes a megabyte of each kind, letting the event loop run between steps; returns the longest pauses in milliseconds. */
export async function measurePauses(vocabulary: Vocabulary): Promise<number[]> {
  const longest: number[] = [];
  for (const [name, text] of Object.entries(INPUTS)) {
    const monitor = monitorEventLoopDelay({ resolution: 1 });
    const begunMs = performance.now();
    monitor.enable();
    const encoding = startEncoding(vocabulary, [text]);
    let steps = 1;
    for (; !encoding.step(); steps++) await nextLoopTurn();
    await nextLoopTurn();
    monitor.disable();
    const pauseMs = monitor.max / 1e6;
    longest.push(pauseMs);
    const tookMs = Math.round(performance.now() - begunMs);
    console.log(
      `  1 MB of ${name}: ${encoding.tokenIds.length} tokens, ${tookMs} ms in ${steps} steps, longest pause ${pauseMs.toFixed(1)} ms`,
    );
  }
  return longest;
}
