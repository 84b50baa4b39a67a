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

const ATTEMPTS = 3;

/** The longest pause of the event loop, and the longest work of this thread between two of its turns, in milliseconds. */
export interface Pause {
  readonly loopMs: number;
  readonly ownMs: number;
}

interface Measurement extends Pause {
  readonly tokens: number;
  readonly steps: number;
}

/**
 * Encodes a megabyte of each kind, letting the event loop run between the steps; returns the longest pauses. What is
 * over `limitMs` is measured again: a pause that the encoder makes comes back every time. A busy machine stops the
 * thread for longer than that, which only `loopMs` shows.
 */
export async function longestPause(vocabulary: Vocabulary, limitMs: number): Promise<Pause> {
  let longest: Pause = { loopMs: 0, ownMs: 0 };
  for (const [name, text] of Object.entries(INPUTS)) {
    let best = await measure(vocabulary, text);
    for (let attempt = 2; attempt <= ATTEMPTS && best.loopMs >= limitMs; attempt++) {
      const again = await measure(vocabulary, text);
      if (again.loopMs < best.loopMs) best = again;
    }
    const { tokens, steps, loopMs, ownMs } = best;
    const pauses = `longest pause ${loopMs.toFixed(1)} ms, own work ${ownMs.toFixed(1)} ms`;
    console.log(`  1 MB of ${name}: ${tokens} tokens in ${steps} steps, ${pauses}`);
    longest = { loopMs: Math.max(longest.loopMs, loopMs), ownMs: Math.max(longest.ownMs, ownMs) };
  }
  return longest;
}

async function measure(vocabulary: Vocabulary, text: string): Promise<Measurement> {
  const monitor = monitorEventLoopDelay({ resolution: 1 });
  monitor.enable();
  const encoding = startEncoding(vocabulary, [text]);
  let ownMs = 0;
  let steps = 0;
  for (let done = false; !done; steps++) {
    const before = process.threadCpuUsage();
    done = encoding.step();
    const { user, system } = process.threadCpuUsage(before);
    ownMs = Math.max(ownMs, (user + system) / 1000);
    await nextLoopTurn();
  }
  monitor.disable();
  return { tokens: encoding.tokenIds.length, steps, ownMs, loopMs: monitor.max / 1e6 };
}
