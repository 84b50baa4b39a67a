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

const ATTEMPTS = 5;

interface Measurement {
  readonly tokens: number;
  readonly steps: number;
  readonly pauseMs: number;
}

/**
 * The longest pause of the event loop, in milliseconds, while a megabyte of each kind is encoded and the loop may run
 * between the steps. What is over `limitMs` is measured again: a pause that the encoder makes comes back every time, one
 * that a busy machine makes does not.
 */
export async function longestPause(vocabulary: Vocabulary, limitMs: number): Promise<number> {
  let longestMs = 0;
  for (const [name, text] of Object.entries(INPUTS)) {
    let best = await measure(vocabulary, text);
    for (let attempt = 2; attempt <= ATTEMPTS && best.pauseMs >= limitMs; attempt++) {
      const again = await measure(vocabulary, text);
      if (again.pauseMs < best.pauseMs) best = again;
    }
    console.log(
      `  1 MB of ${name}: ${best.tokens} tokens in ${best.steps} steps, longest pause ${best.pauseMs.toFixed(1)} ms`,
    );
    longestMs = Math.max(longestMs, best.pauseMs);
  }
  return longestMs;
}

async function measure(vocabulary: Vocabulary, text: string): Promise<Measurement> {
  const monitor = monitorEventLoopDelay({ resolution: 1 });
  monitor.enable();
  const encoding = startEncoding(vocabulary, [text]);
  let steps = 1;
  for (; !encoding.step(); steps++) await nextLoopTurn();
  await nextLoopTurn();
  monitor.disable();
  return { tokens: encoding.tokenIds.length, steps, pauseMs: monitor.max / 1e6 };
}
