import { execa } from 'execa';
import { expect } from 'vitest';

const ROOT = new URL('../..', import.meta.url).pathname;

/** What every example in JavaScript prints, on the simulator and on the tiny gpt-oss. */
export const IN_JAVASCRIPT: Readonly<Record<string, readonly unknown[]>> = {
  'agents-sdk.ts': [
    'get_weather({"city":"Paris"})',
    'It is 21 degrees in Paris.',
    'get_weather({"city":"Paris"})',
    'It is 21 degrees in Paris.',
  ],
  'lm-auto-chain.ts': [
    'Hello Ada!',
    'Oslo is nice.',
    'Your name is Ada.',
    'I do not know where you live.',
    'You live in Oslo.',
  ],
  'lm-fork.ts': ['lm:   You live in Oslo.', 'fork: You live in Rome.', 'fork: Your name is Ada.'],
  'lm-harmony.ts': [
    'harmony: gpt-oss-20b has a harmony endpoint',
    'get_weather({"location":"Paris"})',
    'It is 21 degrees in Paris.',
    '186 tokens in, 24 out, ended by stop',
  ],
  'lm-manual-thread.ts': ['I like green too.', 'I do not know your favorite color.', 'Your favorite color is green.'],
  'lm-reasoning.ts': [
    '[reasoning] Rayleigh scattering. Short waves scatter more than long waves, so blue light wins.',
    '[text] Because air scatters blue light.',
    '17 of 34 tokens were thought.',
  ],
};

/** To a question beyond the tiny world, at the guide's own temperature: any answer, also none. */
const anything: unknown = expect.any(String);

/** What every example in Python prints. */
export const IN_PYTHON: Readonly<Record<string, readonly unknown[]>> = {
  'agents-sdk.py': [
    'get_weather(Paris)',
    'It is 21 degrees in Paris.',
    'get_weather(Paris)',
    'It is 21 degrees in Paris.',
  ],
  'harmony-sampling.py': ['analysis Greet the user.', 'final Bonjour !'],
  'litellm-proxy.py': ["['gpt-oss-20b']", 'chat:      7 + 8 = 15.', 'responses: 7 + 8 = 15.'],
  'openai-chat-functions.py': ['get_weather({"city":"Paris"})', 'It is 21 degrees in Paris.'],
  'openai-chat.py': [anything, '7 + 8 = 15.'],
  'openai-responses-functions.py': ['get_weather({"city":"Paris"})', 'It is 21 degrees in Paris.'],
  'openai-responses.py': [anything, 'Hello Ada!', 'Your name is Ada.'],
};

/** Runs the examples with these arguments and expects each to print its lines. */
export async function expectExamples(
  expected: Readonly<Record<string, readonly unknown[]>>,
  args: readonly string[],
): Promise<void> {
  const { all } = await execa(process.execPath, ['scripts/examples.ts', ...args], {
    cwd: ROOT,
    all: true,
    reject: false,
  });
  const blocks = all.split('\n\n');
  const printed = blocks.slice(0, -1).map((block) => {
    const [title = '', ...lines] = block.split('\n');
    return [title.split(':')[0], lines.map((line) => line.trim())];
  });
  expect(printed, all).toEqual(Object.entries(expected).map(([name, lines]) => [name, [...lines, 'passed']]));
  const count = Object.keys(expected).length;
  expect(blocks.at(-1)).toBe(`${count} examples, ${count} passed`);
}
