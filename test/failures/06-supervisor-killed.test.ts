import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { groupMembers } from '../../src/system/process-group.ts';
import { newStateDir, killProcessesNaming, replicasReady, startChorus } from '../support/chorus-process.ts';
import { postResponse } from '../support/responses-client.ts';

const stateDir = newStateDir();
/** A process of somebody else that has the id of an engine's leader of before. */
const innocent = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });

afterEach(() => {
  innocent.kill('SIGKILL');
  killProcessesNaming(stateDir);
  rmSync(stateDir, { recursive: true, force: true });
});

it('a Chorus killed with SIGKILL leaves engines that the next one ends, and nobody else', async () => {
  // Engines that a signal at the death of their parent would not end either.
  const flags = ['--engine', 'simulated', '--replicas', '2', '--engine-arg=--sim-ignore-term'];
  const killed = await startChorus(flags, stateDir);
  const leaders = (await replicasReady(killed, 2, 30_000)).engines.map(({ pid }) => pid ?? expect.fail('no pid'));
  const exited = once(killed.process, 'exit');
  killed.process.kill('SIGKILL');
  await exited;
  expect(leaders.map((leader) => groupMembers(leader).length)).toEqual([2, 2]);
  const record = JSON.parse(readFileSync(join(stateDir, 'engines', 'e0.json'), 'utf8')) as object;
  writeFileSync(join(stateDir, 'engines', 'e9.json'), JSON.stringify({ ...record, groupId: innocent.pid }));

  const next = await startChorus(flags, stateDir);
  expect(leaders.flatMap(groupMembers)).toEqual([]);
  expect(groupMembers(innocent.pid ?? 0)).toEqual([innocent.pid]);
  for (const leader of leaders) expect(next.output()).toMatch(new RegExp(`^Ended what .*\\b${leader}\\b`, 'm'));
  await replicasReady(next, 2, 30_000);
  expect((await postResponse(next.url, { input: 'Say OK.' })).body.output_text).toBe('OK');
}, 60_000);
