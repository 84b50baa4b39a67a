import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { countOomKills } from '../../src/system/oom-kills.ts';
import { simulatedPlacements } from '../support/engine-bench.ts';
import { type FleetBench, startFleetBench } from '../support/fleet-bench.ts';

/** Stands for `/`. */
let root: string;
let bench: FleetBench;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'chorus-root-'));
  for (const folder of ['proc/self', 'sys/fs/cgroup/pod']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'proc/self/cgroup'), '0::/pod\n');
  countedKills(4);
  bench = startFleetBench(simulatedPlacements(1), { countOomKills: () => countOomKills(root) });
  await bench.fleet.start();
});
afterEach(async () => {
  await bench.close();
  rmSync(root, { recursive: true, force: true });
});

/** What the kernel says it has ended in the control group. */
function countedKills(count: number): void {
  writeFileSync(join(root, 'sys/fs/cgroup/pod/memory.events'), `low 0\nhigh 0\nmax 91\noom 7\noom_kill ${count}\n`);
}

async function killed(): Promise<void> {
  const generation = bench.fleet.status()[0]?.generation ?? 0;
  process.kill(bench.leaders()[0] ?? 0, 'SIGKILL');
  await bench.changed(() => bench.fleet.status()[0]?.generation === generation + 1 && bench.phases()[0] === 'ready');
}

it('an engine that the kernel ends for want of memory is started again, and the reason and the remedy are told', async () => {
  countedKills(5);
  await killed();
  expect(bench.fleet.status()[0]?.lastFailure).toEqual({
    code: 'host_out_of_memory',
    message: 'the kernel ended it for want of memory of the host: it was ended from outside by SIGKILL',
    remedy: 'Give the machine or its container more memory, or start fewer replicas; the kernel log names the process.',
    retry: 'backoff',
  });
});

it('one that somebody else ends is no matter of memory', async () => {
  await killed();
  expect(bench.fleet.status()[0]?.lastFailure).toMatchObject({
    code: 'crashed',
    message: 'it was ended from outside by SIGKILL',
  });
});
