import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { processStartTicks } from '../../src/system/process-group.ts';
import {
  readServerRecord,
  refuseSecondServer,
  removeServerRecord,
  writeServerRecord,
} from '../../src/system/state-directory.ts';

const ANNOUNCED = { url: 'http://127.0.0.1:8000', keyFile: null };

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'chorus-state-'));
});

/** The record that the process `pid` would have left. */
const leaveRecord = (pid: number, startTicks: number | null): void =>
  writeFileSync(join(stateDir, 'server.json'), JSON.stringify({ ...ANNOUNCED, pid, startTicks }));

describe('the announcement of a server', () => {
  it('is found until its server takes it back', () => {
    writeServerRecord(stateDir, ANNOUNCED);
    const startTicks = processStartTicks(process.pid);
    expect(readServerRecord(stateDir)).toEqual({ ...ANNOUNCED, pid: process.pid, startTicks });
    expect(() => refuseSecondServer(stateDir)).not.toThrow();
    removeServerRecord(stateDir);
    expect(readServerRecord(stateDir)).toBeNull();
  });

  it('that cannot be written is refused in one sentence', () => {
    mkdirSync(join(stateDir, `server.json.${process.pid}`));
    expect(() => writeServerRecord(stateDir, ANNOUNCED)).toThrow(
      expect.objectContaining({
        exitCode: 73,
        message: expect.stringMatching(
          /^The state directory .* cannot be used: EISDIR.*\. Choose another with --state-dir\.$/,
        ),
      }),
    );
  });

  it('is left alone by another server, which is refused while the first one lives', () => {
    leaveRecord(process.ppid, processStartTicks(process.ppid));
    const before = readFileSync(join(stateDir, 'server.json'), 'utf8');
    expect(() => refuseSecondServer(stateDir)).toThrow(
      `Another Chorus (pid ${process.ppid}, http://127.0.0.1:8000) runs with the state directory ${stateDir}.`,
    );
    removeServerRecord(stateDir);
    expect(readFileSync(join(stateDir, 'server.json'), 'utf8')).toBe(before);
  });

  it('counts for nothing when its process is gone and the pid was given to another one', () => {
    leaveRecord(process.ppid, 1);
    expect(() => refuseSecondServer(stateDir)).not.toThrow();
  });
});
