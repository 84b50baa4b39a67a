import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeAnswer } from '../../scripts/bench/answer.ts';
import { Rig, type Target } from '../../scripts/bench/rig.ts';
import { residentBytes } from '../../scripts/bench/usage.ts';
import { MiB } from '../../src/domain/units.ts';

let rig: Rig;
let chorus: Target;

beforeAll(async () => {
  rig = await Rig.start(new AbortController().signal);
  chorus = await rig.startChorus();
});
afterAll(async () => {
  await chorus.stop();
  await rig.stop();
});

it('measures streams through Chorus and directly, every one of them whole', async () => {
  const answer = makeAnswer(rig.vocabulary, 2, 6);
  const scenario = { answer, stream: true, connections: 4, rampMs: 10, intervalMs: 2 };
  for (const target of [chorus, rig.direct()]) {
    const sample = await rig.measure(target, scenario, 300);
    expect(sample.answers).toBeGreaterThan(0);
    expect(sample.firstTextMs.length).toBeGreaterThanOrEqual(sample.answers - 4);
    expect(sample.tokens).toBeGreaterThan((sample.answers - 4) * answer.tokenCount);
    expect(sample.bytes).toBeGreaterThan(sample.answers * answer.tokenCount * 10);
  }
  expect(rig.problems).toEqual([]);
});

it('measures JSON answers and memory', async () => {
  const answer = makeAnswer(rig.vocabulary, 2, 6);
  let openBytes = 0;
  const sample = await rig.measure(
    chorus,
    { answer, stream: false, connections: 2, rampMs: 10, intervalMs: 0 },
    300,
    () => (openBytes = residentBytes(chorus.pid ?? 0)),
  );
  expect(sample.answers).toBeGreaterThan(0);
  expect(sample.targetCpuMs).toBeGreaterThan(0);
  expect(openBytes).toBeGreaterThan(20 * MiB);
  expect(rig.problems).toEqual([]);
});

it('says which answers were not whole', async () => {
  const answer = { ...makeAnswer(rig.vocabulary, 2, 6), text: 'another text' };
  await rig.measure(chorus, { answer, stream: false, connections: 1, rampMs: 0, intervalMs: 0 }, 200);
  expect(rig.problems).toEqual([expect.stringMatching(/^chorus: \d+ answers failed, the first: the answer says " /)]);
});
