import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endLeftovers, leftoverGroups } from '../../src/engine/run-record.ts';
import { systemClock } from '../../src/system/clock.ts';
import { groupMembers, processStartTicks, signalGroup } from '../../src/system/process-group.ts';

const DEADLINE_MS = 5000;
const NO_PROCESS = 4_100_000;
const BOOT_ID = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

let stateDir: string;
let leader: ChildProcess;
let groupId: number;

beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'chorus-records-'));
  leader = spawn('sh', ['-c', 'sleep 60 & echo up; wait'], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  if (leader.stdout) await once(leader.stdout, 'data');
  groupId = leader.pid ?? expect.fail('not started');
});

afterEach(() => {
  signalGroup(groupId, 'SIGKILL');
  rmSync(stateDir, { recursive: true, force: true });
});

/** The record of a Chorus that is gone, of the group that lives, apart from `facts`. */
function writeRecord(facts: object = {}): void {
  const leaderStartTicks = processStartTicks(groupId) ?? 0;
  const record = {
    groupId,
    leaderStartTicks,
    seenAtTicks: leaderStartTicks + 1000,
    ownerPid: NO_PROCESS,
    ownerStartTicks: 1,
    bootId: BOOT_ID,
  };
  mkdirSync(join(stateDir, 'engines'));
  writeFileSync(join(stateDir, 'engines', 'e0.json'), JSON.stringify({ ...record, ...facts }));
}

async function endLeader(): Promise<void> {
  const exited = once(leader, 'exit');
  leader.kill('SIGKILL');
  await exited;
}

describe('the record of a Chorus that is gone', () => {
  it('has its group ended, without its leader too', async () => {
    writeRecord();
    await endLeader();
    expect(leftoverGroups(stateDir)).toEqual([groupId]);
    expect(await endLeftovers(stateDir, systemClock, DEADLINE_MS)).toEqual({ kind: 'clear', ended: [groupId] });
    expect(groupMembers(groupId)).toEqual([]);
    expect(existsSync(join(stateDir, 'engines'))).toBe(false);
  });

  const STRANGERS: readonly (readonly [string, object, boolean])[] = [
    ['whose leader began at another time', { leaderStartTicks: 7 }, false],
    ['without a leader, all of which began after the record was last written', { seenAtTicks: 7 }, true],
    ['of another boot', { bootId: 'another' }, false],
  ];

  for (const [what, facts, leaderless] of STRANGERS) {
    it(`leaves a group alone ${what}`, async () => {
      writeRecord(facts);
      if (leaderless) await endLeader();
      const members = groupMembers(groupId);
      expect(members).not.toEqual([]);
      expect(leftoverGroups(stateDir)).toEqual([]);
      expect(await endLeftovers(stateDir, systemClock, DEADLINE_MS)).toEqual({ kind: 'clear', ended: [] });
      expect(groupMembers(groupId)).toEqual(members);
    });
  }

  it('is no matter of ours while its Chorus lives', async () => {
    writeRecord({ ownerPid: process.ppid, ownerStartTicks: processStartTicks(process.ppid) });
    expect(await endLeftovers(stateDir, systemClock, DEADLINE_MS)).toEqual({
      kind: 'in_use',
      ownerPid: process.ppid,
    });
    expect(groupMembers(groupId)).toContain(groupId);
  });
});
