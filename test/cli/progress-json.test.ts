import { expect, it } from 'vitest';
import { startChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';

it('a start that is shown as JSON prints one object a line from the first line to the last', async () => {
  const chorus = await startChorus(['--engine', 'simulated'], undefined, { ...process.env, CHORUS_PROGRESS: 'json' });
  await eventually('progress', 20_000, () => chorus.output().includes('"event":"progress"') || null);
  expect(await chorus.stop()).toBe(0);
  const lines = chorus.output().trimEnd().split('\n');
  const events = lines.map((line) => JSON.parse(line) as { event: string; text?: string });
  expect(events[0]).toEqual({ event: 'message', text: '--engine simulated was given.' });
  expect(new Set(events.map(({ event }) => event))).toEqual(new Set(['message', 'progress']));
});
