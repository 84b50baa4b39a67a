import { once } from 'node:events';
import { spawn, type ChildProcess } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import {
  groupMembers,
  groupOf,
  processStartTicks,
  provenMembers,
  seenNow,
  signalGroup,
  signalLeader,
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

async function endLeader(): Promise<void> {
  const [leader = expect.fail('none')] = started;
  const exited = once(leader, 'exit');
  leader.kill('SIGKILL');
  await exited;
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

  it('lives on in a child that ignores SIGTERM after its leader has gone, and is gone after a sweep', async () => {
    const group = groupOf(await startGroup(`${STUBBORN_CHILD} >&1 & wait`));
    await endLeader();
    signalGroup(group.groupId, 'SIGTERM');
    expect(groupMembers(group.groupId)).not.toContain(group.groupId);
    expect(groupMembers(group.groupId).length).toBeGreaterThanOrEqual(1);
    expect(await sweepGroup(seenNow(group), systemClock, 5000)).toEqual([]);
    expect(groupMembers(group.groupId)).toEqual([]);
  });

  it('is known although its leader ended at once and left a child', async () => {
    const child = spawn('sh', ['-c', `${STUBBORN_CHILD} & exit`], { detached: true, stdio: 'ignore' });
    started.push(child);
    const pid = child.pid ?? expect.fail('not started');
    const group = groupOf(pid);
    await once(child, 'exit');
    expect(group.leaderStartTicks).not.toBeNull();
    expect(provenMembers(seenNow(group)).length).toBeGreaterThanOrEqual(1);
  });

  it('can be swept when there is none', async () => {
    const none = { groupId: 4_000_000, leaderStartTicks: 1, seenAtTicks: 1 };
    expect(await sweepGroup(none, systemClock, 5000)).toEqual([]);
    expect(signalGroup(4_000_000, 'SIGTERM')).toBe(false);
  });

  it('is left alone when its id belongs to a leader of another age', async () => {
    const group = groupOf(await startGroup(`${STUBBORN_CHILD} & wait`));
    const earlier = { ...group, leaderStartTicks: (group.leaderStartTicks ?? 0) - 1 };
    expect(provenMembers(earlier)).toEqual([]);
    signalLeader(earlier, 'SIGKILL');
    expect(await sweepGroup(earlier, systemClock, 5000)).toEqual([]);
    expect(groupMembers(group.groupId)).toContain(group.groupId);
  });

  it('is left alone when it has no leader and nobody in it was there when it was last seen', async () => {
    const group = groupOf(await startGroup(`${STUBBORN_CHILD} >&1 & wait`));
    await endLeader();
    const [member = 0] = groupMembers(group.groupId);
    const secondsBefore = { ...group, seenAtTicks: (processStartTicks(member) ?? 0) - 500 };
    expect(provenMembers(secondsBefore)).toEqual([]);
    expect(await sweepGroup(secondsBefore, systemClock, 5000)).toEqual([]);
    expect(groupMembers(group.groupId)).toContain(member);
    expect(provenMembers(seenNow(group))).toContain(member);
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
