import { once } from 'node:events';
import { expect, it } from 'vitest';
import { replicasReady, startChorus } from '../support/chorus-process.ts';
import { postResponse } from '../support/responses-client.ts';
import { eventually } from '../support/eventually.ts';

it('chorus serve goes on when the reader of its output leaves, as head does', async () => {
  const chorus = await startChorus(['--engine', 'simulated', '--replicas', '1']);
  try {
    const { engines } = await replicasReady(chorus, 1, 30_000);
    for (const stream of [chorus.process.stdout, chorus.process.stderr]) {
      stream?.destroy();
      if (stream) await once(stream, 'close');
    }
    // The death of an engine is printed, into the void.
    process.kill(engines[0]?.pid ?? expect.fail('no engine'), 'SIGKILL');
    await eventually('the restart', 20_000, async () => {
      const [engine] = (await chorus.status()).engines;
      return engine?.generation === 2 && engine.phase === 'ready' ? true : null;
    });
    const { status, body } = await postResponse(chorus.url, { input: 'What is 7 + 8?' });
    expect([status, body.output_text]).toEqual([200, '7 + 8 = 15.']);
  } finally {
    expect(await chorus.stop()).toBe(0);
  }
});
