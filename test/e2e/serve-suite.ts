import { describe, expect, it } from 'vitest';
import { processesNaming, replicasReady, type RunningChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { answerText, postResponse, streamResponse } from '../support/responses-client.ts';

/**
 * Two replicas and what befalls them: run on the simulator and on the real vLLM, after everything else, since it ends
 * with the end of Chorus. `restartTimeoutMs` is how long an engine may take to come back.
 */
export function serveSuite(
  chorus: () => RunningChorus,
  { restartTimeoutMs }: { readonly restartTimeoutMs: number },
): void {
  describe('two replicas', () => {
    it('take turns at lone requests', async () => {
      const before = await chorus().status();
      expect(before.engines.map(({ phase }) => phase)).toEqual(['ready', 'ready']);
      await postResponse(chorus().url, { input: 'Say OK.' });
      await postResponse(chorus().url, { input: 'Say OK.' });
      const after = await chorus().status();
      const answered = after.engines.map(({ served }, index) => served - (before.engines[index]?.served ?? 0));
      expect(answered).toEqual([1, 1]);
    });

    it('share a crowd, and every stream of it is right', async () => {
      const questions = Array.from({ length: 16 }, (_, index) => index);
      const answers = await Promise.all(
        questions.map(async (n) =>
          answerText((await streamResponse(chorus().url, { input: `What is ${n} + 4?` })).response),
        ),
      );
      expect(answers).toEqual(questions.map((n) => `${n} + 4 = ${n + 4}.`));
    });
  });

  describe('an engine killed with SIGKILL', () => {
    it('costs no answer that is taken whole and no following request, comes back, and leaves no orphan', async () => {
      const count = () => postResponse(chorus().url, { input: 'Count to 100.' });
      const expected = (await count()).body.output_text;
      const counts = Array.from({ length: 4 }, count);
      const victim = await eventually('a count in flight on the first engine', 5000, async () => {
        const [first] = (await chorus().status()).engines;
        return first !== undefined && first.inFlight > 0 ? first : null;
      });
      process.kill(victim.pid ?? expect.fail('no pid'), 'SIGKILL');
      for (const { status, body } of await Promise.all(counts)) {
        expect([status, body.output_text]).toEqual([200, expected]);
      }
      for (let sent = 0; sent < 20; sent++) {
        const { status, body } = await postResponse(chorus().url, { input: 'What is 7 + 8?' });
        expect([status, body.output_text]).toEqual([200, '7 + 8 = 15.']);
      }
      const { engines } = await replicasReady(chorus(), 2, restartTimeoutMs);
      expect(engines[0]).toMatchObject({ engineId: victim.engineId, restarts: 1 });
      const sockets = processesNaming(victim.socketPath ?? '');
      const leaders = sockets.filter((line) => line.startsWith(`${victim.pid} `));
      expect(leaders).toEqual([]);
    });
  });

  describe('SIGTERM', () => {
    it('ends every open stream with a terminal event, exits 0 and leaves no process', async () => {
      const running = chorus();
      const streams = ['Tell me a long story.', 'Count to 100.'].map((input) => streamResponse(running.url, { input }));
      await eventually('both streams in flight', 5000, async () => {
        const { engines } = await running.status();
        return engines.reduce((sum, { inFlight }) => sum + inFlight, 0) === 2 ? true : null;
      });
      const exit = running.stop();
      const ends = await Promise.all(streams);
      expect(ends.map(({ response }) => response.status)).toEqual(['completed', 'completed']);
      expect(await exit).toBe(0);
      expect(processesNaming(running.stateDir)).toEqual([]);
    });
  });
}
