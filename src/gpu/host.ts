import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cpu, mem } from 'systeminformation';
import type { Host } from '../domain/gpu.ts';
import { KiB } from '../domain/units.ts';

/**
 * CPU and RAM. The files of Linux win where they say more: AMX, and the limit of the container, which the machine's
 * totals do not show. `root` is where `/proc` and `/sys` are looked for. The disk is not here: which one counts depends
 * on where the state directory and the caches are, and setup looks at those.
 */
export async function readHost(root: string): Promise<Host> {
  const [processor, memory, cpuInfo, memInfo, limit] = await Promise.all([
    cpu(),
    mem(),
    read(join(root, 'proc/cpuinfo')),
    readMemInfo(root),
    readContainerLimit(root),
  ]);
  const { totalBytes, availableBytes } = memInfo ?? { totalBytes: memory.total, availableBytes: memory.available };
  return {
    cpuModel: `${processor.manufacturer} ${processor.brand}`.trim() || 'unknown CPU',
    cpuCount: processor.cores,
    hasAmx: /^flags\s*:.*\bamx_tile\b/m.test(cpuInfo),
    totalBytes: Math.min(totalBytes, limit.totalBytes),
    availableBytes: Math.min(availableBytes, limit.availableBytes),
  };
}

/** RAM as the kernel counts it: all, and what new processes can take; null where it does not say. Never rejects. */
export async function readMemInfo(root: string): Promise<Pick<Host, 'totalBytes' | 'availableBytes'> | null> {
  const memInfo = await read(join(root, 'proc/meminfo'));
  const [totalBytes, availableBytes] = [memInfoBytes(memInfo, 'MemTotal'), memInfoBytes(memInfo, 'MemAvailable')];
  return totalBytes === null || availableBytes === null ? null : { totalBytes, availableBytes };
}

function memInfoBytes(memInfo: string, key: string): number | null {
  const kibibytes = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(memInfo)?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * KiB;
}

interface Cgroup {
  readonly limit: string;
  readonly used: string;
  readonly statistics: string;
  /** In the statistics: files that nobody has used lately, of this group and those below it. */
  readonly droppable: RegExp;
}

/** Where a container finds its own group, and under which names: cgroup v2, then v1. */
const CGROUPS: readonly Cgroup[] = [
  {
    limit: 'memory.max',
    used: 'memory.current',
    statistics: 'memory.stat',
    droppable: /^inactive_file (\d+)$/m,
  },
  {
    limit: 'memory/memory.limit_in_bytes',
    used: 'memory/memory.usage_in_bytes',
    statistics: 'memory/memory.stat',
    droppable: /^total_inactive_file (\d+)$/m,
  },
];
/** v1 has no word for "no limit": it gives the largest number of pages. */
const NO_LIMIT_BYTES = 2 ** 60;

interface Limit {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

const UNLIMITED: Limit = { totalBytes: Infinity, availableBytes: Infinity };

/** The memory limit of the container; infinite without one. */
async function readContainerLimit(root: string): Promise<Limit> {
  const limits = await Promise.all(CGROUPS.map((group) => readGroup(root, group)));
  return limits.find(({ totalBytes }) => totalBytes < NO_LIMIT_BYTES) ?? UNLIMITED;
}

async function readGroup(root: string, { limit, used, statistics, droppable }: Cgroup): Promise<Limit> {
  const files = [limit, used, statistics].map((name) => read(join(root, 'sys/fs/cgroup', name)));
  const [max = '', current = '', figures = ''] = await Promise.all(files);
  const totalBytes = Number.parseInt(max, 10);
  if (Number.isNaN(totalBytes)) return UNLIMITED;
  const usedBytes = Number.parseInt(current, 10) || 0;
  // Cached files count as used, but the kernel drops them when a process needs the memory.
  const droppableBytes = Number(droppable.exec(figures)?.[1] ?? 0);
  return { totalBytes, availableBytes: Math.max(0, totalBytes - usedBytes + droppableBytes) };
}

const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
