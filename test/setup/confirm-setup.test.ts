import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { confirmSetup } from '../../src/cli/confirm-setup.ts';
import type { SetupPlan } from '../../src/setup/setup-plan.ts';

const PLAN = {
  environment: { kind: 'install', version: '0.32.0', estimatedBytes: 2 ** 30 },
  model: { kind: 'existing' },
} as SetupPlan;

/** A terminal on which a person types `answer`, and what it showed. */
function terminal(answer: string | null, isTTY = true) {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = Object.assign(new PassThrough(), { isTTY });
  if (answer === null) input.end();
  else input.write(`${answer}\n`);
  return { input, output, shown: () => String(output.read()) };
}

it.each(['', 'y', 'Y', 'yes'])('goes on after "%s"', async (answer) => {
  const { shown, ...streams } = terminal(answer);
  await confirmSetup(PLAN, false, streams);
  expect(shown()).toContain('Chorus will install vLLM 0.32.0 (about 1.0 GiB). Go on? [Y/n] ');
});

it.each(['n', 'no', 'what', null])('does nothing after "%s"', async (answer) => {
  await expect(confirmSetup(PLAN, false, terminal(answer))).rejects.toMatchObject({
    exitCode: 69,
    message: 'Nothing was installed or downloaded.',
  });
});

it('asks nobody when it was allowed, or nothing is to be done', async () => {
  const { shown, ...streams } = terminal(null);
  await confirmSetup(PLAN, true, streams);
  await confirmSetup({ ...PLAN, environment: { kind: 'existing' } } as SetupPlan, false, streams);
  expect(shown()).toBe('null');
});

it('names --yes where there is no terminal', async () => {
  await expect(confirmSetup(PLAN, false, terminal('y', false))).rejects.toMatchObject({
    exitCode: 64,
    message: 'Chorus has to install vLLM 0.32.0 (about 1.0 GiB), and nobody can be asked here: give --yes to allow it.',
  });
});
