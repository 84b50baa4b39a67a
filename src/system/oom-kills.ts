import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * How many processes the kernel has ended for want of memory in the control group that Chorus shares with its engines,
 * where there is none on the whole machine; null where neither tells. `root` stands for `/`. Counts only grow.
 */
export function countOomKills(root = '/'): number | null {
  const files = [...eventFiles(readText(join(root, 'proc/self/cgroup')) ?? ''), 'proc/vmstat'];
  for (const file of files) {
    const count = /^oom_kill (\d+)$/m.exec(readText(join(root, file)) ?? '')?.[1];
    if (count !== undefined) return Number(count);
  }
  return null;
}

/** Control groups of version 2 (`0::PATH`, `memory.events`) and of version 1 (`N:memory:PATH`, `memory.oom_control`). */
function eventFiles(groups: string): string[] {
  const version2 = /^0::(.*)$/m.exec(groups)?.[1];
  const version1 = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(groups)?.[1];
  return [
    ...(version1 === undefined ? [] : [join('sys/fs/cgroup/memory', version1, 'memory.oom_control')]),
    ...(version2 === undefined ? [] : [join('sys/fs/cgroup', version2, 'memory.events')]),
  ];
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
