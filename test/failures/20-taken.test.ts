import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { newStateDir, replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { postResponse } from '../support/responses-client.ts';

const FLAGS = ['--engine', 'simulated', '--replicas', '1'];

let stateDir: string;
let first: RunningChorus;
beforeEach(async () => {
  stateDir = newStateDir();
  first = await startChorus(FLAGS, stateDir);
});
afterEach(async () => {
  await first.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

it('a second Chorus on the state directory of a living one is refused, and told who has it', async () => {
  await replicasReady(first, 1, 30_000);
  // `startChorus` removes the announcement of the first: what refuses the second is its lock.
  const { pid } = await first.status();
  await expect(startChorus(FLAGS, stateDir)).rejects.toThrow(new RegExp(`ended with 69:[\\s\\S]*pid ${pid}\\b`));
  expect((await postResponse(first.url, { input: 'Say OK.' })).body.output_text).toBe('OK');
}, 60_000);

it('a second Chorus on the port of a living one is refused, and told who has it and which flag helps', async () => {
  const { port } = new URL(first.url);
  const { pid } = await first.status();
  await expect(startChorus([...FLAGS, '--port', port])).rejects.toThrow(
    new RegExp(
      `ended with 69:[\\s\\S]*:${port} is taken by node \\(pid ${pid}\\)\\. End it, or choose another port with --port`,
    ),
  );
}, 60_000);
