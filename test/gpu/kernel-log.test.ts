import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followKernelLog, type KernelLogState } from '../../src/gpu/kernel-log.ts';
import { KernelLogReader } from '../../src/gpu/kernel-log-lines.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** Other programs may take the processor meanwhile. */
const WITHIN = { timeout: 15_000 };

const eventsOf = (file: string) => {
  const reader = new KernelLogReader();
  const text = readFileSync(new URL(`../fixtures/kernel-log/${file}`, import.meta.url), 'utf8');
  return text.split('\n').flatMap((line) => reader.read(line) ?? []);
};

describe('the kernel log tells', () => {
  it('of lost cards and Xid errors as dmesg prints them, also where the message goes over lines', () => {
    expect(eventsOf('xid.txt')).toEqual([
      { kind: 'xid', address: '0000:03:00', number: 79 },
      { kind: 'xid', address: '0000:05:00', number: 94 },
      { kind: 'lost', address: '0000:b3:00.0' },
      { kind: 'xid', address: '0000:0b:00', number: 154 },
    ]);
  });

  it('the same in the records of /dev/kmsg', () => {
    expect(eventsOf('kmsg.txt')).toEqual([
      { kind: 'xid', address: '0000:19:00', number: 31 },
      { kind: 'xid', address: '0000:2B:00', number: 13 },
      { kind: 'lost', address: '0000:b3:00.0' },
      { kind: 'lost', address: '0000:3d:00.0' },
    ]);
  });

  it('nothing of a card that another message named long before', () => {
    const reader = new KernelLogReader();
    const lines = ['NVRM: GPU 0000:b3:00.0: initialised', 'a', 'b', 'c', 'something has fallen off the bus'];
    expect(lines.flatMap((line) => reader.read(line) ?? [])).toEqual([]);
  });
});

describe('the kernel log of other drivers', () => {
  it('blames no card that a line before it names', () => {
    const reader = new KernelLogReader();
    const lines = [
      '4,1,1,-;NVRM: GPU at PCI:0000:41:00: GPU-1f2e',
      '3,2,2,-;mlx5_core 0000:05:00.0: device has fallen off the bus',
    ];
    expect(lines.flatMap((line) => reader.read(line) ?? [])).toEqual([]);
  });
});

describe('following it', () => {
  let folder: string;
  let clock: FakeClock;
  let ended: AbortController;
  let lines: string[];
  let states: KernelLogState[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chorus-kmsg-'));
    clock = new FakeClock();
    ended = new AbortController();
    [lines, states] = [[], []];
  });
  afterEach(() => {
    ended.abort();
    rmSync(folder, { recursive: true });
  });

  const follow = (file: string): Promise<void> =>
    followKernelLog({
      file,
      clock,
      signal: ended.signal,
      onLine: (line) => lines.push(line),
      onState: (state) => states.push(state),
    });
  const isFollowed = () => expect.poll(() => states, WITHIN).toEqual([{ kind: 'followed' }]);
  const tick = async (expected: string[]): Promise<void> => {
    await expect.poll(() => clock.pendingTimers, WITHIN).toBe(1);
    clock.advance(1000);
    await expect.poll(() => lines, WITHIN).toEqual(expected);
  };

  it('begins at its end, and takes lines whole however they are written', async () => {
    const file = join(folder, 'kmsg');
    writeFileSync(file, 'old\n');
    void follow(file);
    await isFollowed();
    appendFileSync(file, 'first\nsec');
    await tick(['first']);
    appendFileSync(file, 'ond\n');
    await tick(['first', 'second']);
  });

  it('holds no thread where nothing is written, and ends when told', async () => {
    const file = join(folder, 'pipe');
    expect(spawnSync('/usr/bin/env', ['mkfifo', file]).status).toBe(0);
    const end = follow(file);
    await isFollowed();
    await tick([]);
    ended.abort();
    await end;
    await expect.poll(() => clock.pendingTimers, WITHIN).toBe(0);
    expect(states).toEqual([{ kind: 'followed' }]);
  });

  it('says once why it cannot be read', async () => {
    await follow(join(folder, 'missing'));
    expect(states).toEqual([{ kind: 'unreadable', reason: expect.stringContaining('ENOENT') }]);
  });
});
