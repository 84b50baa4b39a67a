import { statSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { MiB } from '../../src/domain/units.ts';
import { residentBytes } from '../../scripts/bench/usage.ts';
import { replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { FaultFolder } from '../support/fault-folder.ts';
import { postResponse } from '../support/responses-client.ts';

const faults = new FaultFolder();
let chorus: RunningChorus;
afterEach(async () => {
  faults.remove();
  await chorus.stop();
});

it('an engine that floods its log serves on; the log begins again and Chorus does not grow', async () => {
  chorus = await startChorus(['--engine', 'simulated', '--replicas', '1', '--max-log-megabytes', '2', ...faults.flags]);
  const before = await replicasReady(chorus, 1, 30_000);
  const logFile = before.engines[0]?.logFile ?? expect.fail('no log');
  const residentBefore = residentBytes(before.pid);
  faults.set('e0', { logMegabytes: 100 });
  await eventually('the flood', 10_000, () => statSync(`${logFile}.old`, { throwIfNoEntry: false }) ?? null);
  expect((await postResponse(chorus.url, { input: 'Say OK.' })).body.output_text).toBe('OK');
  await eventually('the empty log', 10_000, () => (statSync(logFile).size < 2 * MiB ? true : null));
  expect(residentBytes(before.pid) - residentBefore).toBeLessThan(64 * MiB);
  const [engine] = (await chorus.status()).engines;
  expect(engine).toMatchObject({ pid: before.engines[0]?.pid, generation: 1, restarts: 0, phase: 'ready' });
}, 60_000);
