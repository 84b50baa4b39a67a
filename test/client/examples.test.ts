import { execa } from 'execa';
import { expect, it } from 'vitest';

const ROOT = new URL('../..', import.meta.url).pathname;

/** What every example prints on the simulator. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'lm-auto-chain': [
    'Hello Ada!',
    'Oslo is nice.',
    'Your name is Ada.',
    'I do not know where you live.',
    'You live in Oslo.',
  ],
  'lm-fork': ['lm:   You live in Oslo.', 'fork: You live in Rome.', 'fork: Your name is Ada.'],
  'lm-harmony': [
    'harmony: gpt-oss-20b has a harmony endpoint',
    'get_weather({"location":"Paris"})',
    'It is 21 degrees in Paris.',
    '186 tokens in, 24 out, ended by stop',
  ],
  'lm-manual-thread': ['I like green too.', 'I do not know your favorite color.', 'Your favorite color is green.'],
  'lm-reasoning': [
    '[reasoning] Rayleigh scattering. Short waves scatter more than long waves, so blue light wins.',
    '[text] Because air scatters blue light.',
    '17 of 34 tokens were thought.',
  ],
};

it('runs every example and prints what it answered', { timeout: 120_000 }, async () => {
  const { stdout } = await execa(process.execPath, ['scripts/examples.ts'], { cwd: ROOT });
  const blocks = stdout.split('\n\n');
  const printed = blocks.slice(0, -1).map((block) => {
    const [title = '', ...lines] = block.split('\n');
    return [title.split(':')[0], lines.map((line) => line.trim())];
  });
  const expected = Object.entries(EXPECTED).map(([name, lines]) => [name, [...lines, 'passed']]);
  expect(printed).toEqual(expected);
  expect(blocks.at(-1)).toBe('5 examples, 5 passed');
});
