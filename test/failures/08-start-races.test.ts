import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { FaultFolder } from '../support/fault-folder.ts';

const faults = new FaultFolder();
let chorus: RunningChorus;
afterEach(async () => {
  faults.remove();
  await chorus.stop();
});

it('an engine that met another one on a port is started again at once, and serves', async () => {
  faults.set('e0', { failStart: '(APIServer pid=1) OSError: [Errno 98] Address already in use' });
  chorus = await startChorus(['--engine', 'simulated', '--replicas', '2', ...faults.flags]);
  await eventually('its second start', 20_000, async () => {
    const [first] = (await chorus.status()).engines;
    return (first?.generation ?? 0) > 1 || null;
  });
  faults.set('e0', {});
  const [first] = (await replicasReady(chorus, 2, 20_000)).engines;
  expect(first?.lastFailure?.code).toBe('address_in_use');
  const log = readFileSync(join(chorus.stateDir, 'chorus.log'), 'utf8').trim().split('\n');
  const waits = log
    .map((line) => JSON.parse(line) as { phase?: string; sentence?: string })
    .filter(({ phase }) => phase === 'backoff');
  expect(waits.length).toBeGreaterThan(0);
  for (const { sentence } of waits) expect(sentence).toMatch(/starts again in 0 ms$/);
}, 60_000);
