import { expect, it } from 'vitest';
import { newStateDir, replicasReady, startChorus } from '../support/chorus-process.ts';
import { killUnderLoad } from '../support/durability.ts';
import { postResponse } from '../support/responses-client.ts';

it.each([1, 2])(
  'keeps every response whose end a client saw, when it is killed under load (seed %d)',
  async (seed) => {
    const { announced, found } = await killUnderLoad(seed, 50);
    expect(announced).toBeGreaterThanOrEqual(50);
    expect(found).toBe(announced);
  },
  60_000,
);

it('goes on with a conversation after a restart', async () => {
  const stateDir = newStateDir();
  const flags = ['--engine', 'simulated', '--replicas', '1'];
  const before = await startChorus(flags, stateDir);
  await replicasReady(before, 1, 30_000);
  const first = await postResponse(before.url, { input: 'My name is Ada.' });
  expect(await before.stop()).toBe(0);
  const after = await startChorus(flags, stateDir);
  await replicasReady(after, 1, 30_000);
  const second = await postResponse(after.url, { input: 'What is my name?', previous_response_id: first.body.id });
  expect(second.body.output_text).toBe('Your name is Ada.');
  await after.stop();
}, 60_000);
