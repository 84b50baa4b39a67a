import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countOomKills } from '../../src/system/oom-kills.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chorus-oom-'));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

describe('the count of processes that the kernel ended for want of memory', () => {
  beforeEach(() => {
    write('proc/vmstat', 'nr_free_pages 5\noom_kill 9\n');
  });

  it('is the one of the control group', () => {
    write('proc/self/cgroup', '0::/system.slice/chorus.service\n');
    write('sys/fs/cgroup/system.slice/chorus.service/memory.events', 'low 0\nhigh 0\nmax 7\noom 2\noom_kill 3\n');
    expect(countOomKills(root)).toBe(3);
  });

  it('is the one of the control group of the older kind', () => {
    write('proc/self/cgroup', '5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n');
    write('sys/fs/cgroup/memory/docker/abc/memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 4\n');
    expect(countOomKills(root)).toBe(4);
  });

  it('is the one of the machine where no control group tells', () => {
    write('proc/self/cgroup', '0::/\n');
    expect(countOomKills(root)).toBe(9);
  });

  it('is unknown where nothing tells', () => {
    rmSync(join(root, 'proc'), { recursive: true });
    expect(countOomKills(root)).toBeNull();
  });
});
