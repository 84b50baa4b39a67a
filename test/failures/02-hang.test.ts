import { afterEach, beforeEach, expect, it } from 'vitest';
import { replicasReady, startQuickChorus, type RunningChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { FaultFolder } from '../support/fault-folder.ts';
import { answerText, postResponse, streamResponse } from '../support/responses-client.ts';

const POLICY = {
  stallRecoveryMs: 300,
  healthIntervalMs: 100,
  startProbeIntervalMs: 50,
  termGraceMs: 500,
};
const STORY = 'Tell me a long story.';

let faults: FaultFolder;
let chorus: RunningChorus;
beforeEach(async () => {
  faults = new FaultFolder();
  const flags = ['--engine', 'simulated', '--replicas', '2', '--stall-seconds', '2', ...faults.flags];
  chorus = await startQuickChorus(POLICY, flags);
  await replicasReady(chorus, 2, 30_000);
});
afterEach(async () => {
  faults.remove();
  await chorus.stop();
});

it('an engine that makes no token and says that it is well is replaced, and its answers come from the other one', async () => {
  const story = answerText((await streamResponse(chorus.url, { input: STORY })).response);
  const answers = Array.from({ length: 4 }, () => streamResponse(chorus.url, { input: STORY }));
  await eventually('answers on both', 10_000, async () => {
    const { engines } = await chorus.status();
    return engines.every(({ inFlight }) => inFlight > 0) || null;
  });
  faults.set('e0', { freeze: true });
  await eventually('its ejection', 10_000, async () => {
    const [first] = (await chorus.status()).engines;
    return first?.phase === 'ready' ? null : true;
  });
  faults.set('e0', {});
  for (const answer of await Promise.all(answers)) expect(answerText(answer.response)).toBe(story);
  const { engines } = await replicasReady(chorus, 2, 15_000);
  expect(engines.map(({ generation }) => generation)).toEqual([2, 1]);
  expect(engines[0]?.lastFailure).toMatchObject({
    code: 'stalled',
    message: expect.stringMatching(
      /^it made no progress for .*, with \d requests? in flight, although its \/health says 200$/,
    ),
  });
}, 60_000);

it('an engine that is slow, and late with its health, goes on as long as tokens come', async () => {
  faults.set('e0', { tokenIntervalMs: 400, healthDelayMs: 1200 });
  faults.set('e1', { tokenIntervalMs: 400, healthDelayMs: 1200 });
  // Some fifteen tokens, and more than three deadlines.
  const answers = await Promise.all([1, 2].map((n) => postResponse(chorus.url, { input: `What is ${n} + 8?` })));
  expect(answers.map(({ body }) => body.output_text)).toEqual(['1 + 8 = 9.', '2 + 8 = 10.']);
  const { engines } = await chorus.status();
  expect(engines.map(({ phase, generation }) => [phase, generation])).toEqual([
    ['ready', 1],
    ['ready', 1],
  ]);
}, 60_000);
