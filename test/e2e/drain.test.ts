import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import {
  newStateDir,
  killProcessesNaming,
  processesNaming,
  replicasReady,
  startChorus,
  type RunningChorus,
} from '../support/chorus-process.ts';
import { post } from '../support/completions-client.ts';
import { eventually } from '../support/eventually.ts';
import { getJson, postResponse, streamResponse, type StreamedResponse } from '../support/responses-client.ts';

let stateDir = '';

afterEach(() => {
  killProcessesNaming(stateDir);
  rmSync(stateDir, { recursive: true, force: true });
});

/** Engines that take `tokenMs` for a token: a story of some 50 tokens is under way for a while. */
async function serving(tokenMs: number, drainSeconds: number): Promise<RunningChorus> {
  stateDir = newStateDir();
  const pace = ['--engine-arg=--sim-token-interval-ms', `--engine-arg=${tokenMs}`];
  const flags = ['--engine', 'simulated', '--replicas', '2', '--drain-seconds', String(drainSeconds), ...pace];
  const running = await startChorus(flags, stateDir);
  await replicasReady(running, 2, 30_000);
  return running;
}

const STORY = { input: 'Tell me a long story.' };

/** As many stories as are asked for; all of them are in flight when this resolves. */
async function storiesInFlight(running: RunningChorus, count: number): Promise<Promise<StreamedResponse>[]> {
  const streams = Array.from({ length: count }, () => streamResponse(running.url, STORY));
  await eventually(`${count} streams in flight`, 20_000, async () => {
    const { engines } = await running.status();
    return engines.reduce((sum, { inFlight }) => sum + inFlight, 0) === count ? true : null;
  });
  return streams;
}

const exitOf = ({ process: child }: RunningChorus): Promise<unknown> =>
  once(child, 'exit').then(([code]) => code as unknown);

describe('SIGTERM with 20 streams in flight', () => {
  it(
    'turns readiness, refuses what is new in a way that is tried again, and lets every stream finish',
    { timeout: 60_000 },
    async () => {
      const running = await serving(20, 60);
      const streams = await storiesInFlight(running, 20);
      const exited = exitOf(running);
      running.process.kill('SIGTERM');
      const refused = await eventually('a refusal', 10_000, async () => {
        // Short, in case it comes before the signal: a story would outlast the others.
        const answer = await postResponse<object>(running.url, { input: 'Say OK.' });
        return answer.status === 503 ? answer : null;
      });
      expect(refused.headers).toMatchObject({ 'retry-after': '10', connection: 'close' });
      expect(refused.body).toMatchObject({
        error: { message: 'Chorus is shutting down and takes no new requests. Try again, or ask another server.' },
      });
      for (const path of ['/v1/chat/completions', '/api/v1/completions', '/inference/v1/generate']) {
        expect(await post(running.url, path, {})).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
      }
      const readiness = await getJson(`${running.url}/readyz`);
      expect(readiness).toMatchObject({
        status: 503,
        body: { status: 'not_ready', reason: 'Chorus is shutting down.' },
      });
      expect(await getJson(`${running.url}/livez`)).toMatchObject({ status: 200 });
      const ends = await Promise.all(streams);
      expect(ends.map(({ response, done }) => [response.status, done])).toEqual(ends.map(() => ['completed', true]));
      expect(await exited).toBe(0);
      expect(processesNaming(stateDir)).toEqual([]);
    },
  );

  it('ends what is late with a terminal event, which is stored', { timeout: 60_000 }, async () => {
    const running = await serving(200, 1);
    const streams = await storiesInFlight(running, 20);
    const exited = exitOf(running);
    running.process.kill('SIGTERM');
    const ends = await Promise.all(streams);
    expect(ends.map(({ response, done }) => [response.status, done])).toEqual(ends.map(() => ['failed', true]));
    expect(new Set(ends.map(({ response }) => response.error?.message))).toEqual(
      new Set([
        'The answer was not finished in time, and no other engine is left to go on with it: it is being stopped',
      ]),
    );
    expect(await exited).toBe(0);
    const again = await startChorus(['--engine', 'simulated', '--replicas', '1'], stateDir);
    for (const { response } of ends) {
      expect((await getJson(`${again.url}/v1/responses/${response.id}`)).body).toMatchObject({
        status: 'failed',
        error: response.error,
      });
    }
    expect(await again.stop()).toBe(0);
  });

  it('goes on serving for a moment where somebody watches its readiness', { timeout: 60_000 }, async () => {
    const running = await serving(0, 9);
    expect(await getJson(`${running.url}/readyz`)).toMatchObject({ status: 200 });
    const exited = exitOf(running);
    running.process.kill('SIGTERM');
    await eventually('the turn of readiness', 5000, async () =>
      (await getJson(`${running.url}/readyz`)).status === 503 ? true : null,
    );
    const { status, headers, body } = await postResponse(running.url, { input: 'What is 7 + 8?' });
    expect([status, headers['connection'], body.output_text]).toEqual([200, 'close', '7 + 8 = 15.']);
    expect(await exited).toBe(0);
  });
});
