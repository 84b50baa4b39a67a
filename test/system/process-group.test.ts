import { once } from 'node:events';
import { spawn, type ChildProcess } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import {
  groupMembers,
  processStartTicks,
  signalGroup,
  signalProcess,
  sweepGroup,
} from '../../src/system/process-group.ts';
import { systemClock } from '../../src/system/clock.ts';

const started: ChildProcess[] = [];

/** A shell that leads a group of its own; resolves once it has printed `up`. */
async function startGroup(script: string): Promise<number> {
  const child = spawn('sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  started.push(child);
  await once(child.stdout, 'data');
  return child.pid ?? expect.fail('not started');
}

afterEach(() => {
  for (const { pid } of started.splice(0)) if (pid !== undefined) signalGroup(pid, 'SIGKILL');
});

const STUBBORN_CHILD = `sh -c 'trap "" TERM; echo up; while :; do sleep 60; done'`;

describe('a process group', () => {
  it('has its leader and its children as members', async () => {
    const group = await startGroup(`${STUBBORN_CHILD} & wait`);
    const members = groupMembers(group);
    expect(members).toContain(group);
    expect(members.length).toBeGreaterThanOrEqual(2);
  });

  it('lives on in a child that ignores SIGTERM after its leader has gone', async () => {
    const group = await startGroup(`${STUBBORN_CHILD} >&1 & wait`);
    signalProcess(group, 'SIGKILL');
    await once(started[0] ?? expect.fail(), 'exit');
    signalGroup(group, 'SIGTERM');
    expect(groupMembers(group)).not.toContain(group);
    expect(groupMembers(group).length).toBeGreaterThanOrEqual(1);
  });

  it('is gone after a sweep, whatever its members ignore', async () => {
    const group = await startGroup(`${STUBBORN_CHILD} & exit`);
    expect(await sweepGroup(group, systemClock, 5000)).toEqual([]);
    expect(groupMembers(group)).toEqual([]);
  });

  it('can be swept when there is none', async () => {
    expect(await sweepGroup(4_000_000, systemClock, 5000)).toEqual([]);
    expect([signalGroup(4_000_000, 'SIGTERM'), signalProcess(4_000_000, 'SIGTERM')]).toEqual([false, false]);
  });

  it('does not count zombies', async () => {
    // The leader lives without waiting for its child, which stays a zombie.
    const group = await startGroup(`sh -c 'exit 0' & echo up; exec sleep 60`);
    await expect.poll(() => groupMembers(group), { timeout: 5000 }).toEqual([group]);
  });
});

describe('the start of a process', () => {
  it('identifies it together with its pid', async () => {
    const first = await startGroup('echo up; exec sleep 60');
    const ticks = processStartTicks(first);
    expect(ticks).toBeGreaterThan(processStartTicks(1) ?? expect.fail('no init'));
    expect(processStartTicks(first)).toBe(ticks);
    expect(processStartTicks(4_000_000)).toBeNull();
  });
});
