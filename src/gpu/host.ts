import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cpu, mem } from 'systeminformation';
import type { Host } from '../domain/gpu.ts';
import { KiB } from '../domain/units.ts';

/**
 * CPU and RAM. The files of Linux win where they say more: AMX, and the limit of the container, which the machine's
 * totals do not show. `root` is where `/proc` and `/sys` are looked for.
 */
export async function readHost(root: string): Promise<Host> {
  const [processor, memory, cpuInfo, memInfo, limit] = await Promise.all([
    cpu(),
    mem(),
    read(join(root, 'proc/cpuinfo')),
    read(join(root, 'proc/meminfo')),
    readContainerLimit(root),
  ]);
  const totalBytes = memInfoBytes(memInfo, 'MemTotal') ?? memory.total;
  const availableBytes = memInfoBytes(memInfo, 'MemAvailable') ?? memory.available;
  return {
    cpuModel: `${processor.manufacturer} ${processor.brand}`.trim() || 'unknown CPU',
    cpuCount: processor.cores,
    hasAmx: /^flags\s*:.*\bamx_tile\b/m.test(cpuInfo),
    totalBytes: Math.min(totalBytes, limit.totalBytes),
    availableBytes: Math.min(availableBytes, limit.availableBytes),
  };
}

function memInfoBytes(memInfo: string, key: string): number | null {
  const kibibytes = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(memInfo)?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * KiB;
}

/** Where a container finds its own group, and under which names: cgroup v2, then v1. */
const CGROUPS: readonly (readonly [limit: string, used: string, statistics: string])[] = [
  ['memory.max', 'memory.current', 'memory.stat'],
  ['memory/memory.limit_in_bytes', 'memory/memory.usage_in_bytes', 'memory/memory.stat'],
];
/** v1 has no word for "no limit": it gives the largest number of pages. */
const NO_LIMIT_BYTES = 2 ** 60;

/** The memory limit of the container; infinite without one. */
async function readContainerLimit(root: string): Promise<{ totalBytes: number; availableBytes: number }> {
  const groups = await Promise.all(CGROUPS.map((names) => readGroup(root, names)));
  return groups.find(({ totalBytes }) => totalBytes < NO_LIMIT_BYTES) ?? UNLIMITED;
}

const UNLIMITED = { totalBytes: Infinity, availableBytes: Infinity };

async function readGroup(
  root: string,
  names: readonly string[],
): Promise<{ totalBytes: number; availableBytes: number }> {
  const files = names.map((name) => read(join(root, 'sys/fs/cgroup', name)));
  const [max, current, statistics] = await Promise.all(files);
  const totalBytes = Number.parseInt(max ?? '', 10);
  if (Number.isNaN(totalBytes)) return UNLIMITED;
  const usedBytes = Number.parseInt(current ?? '', 10) || 0;
  // Cached files count as used, but the kernel drops them when a process needs the memory.
  const droppableBytes = Number(/^(?:total_)?inactive_file (\d+)$/m.exec(statistics ?? '')?.[1] ?? 0);
  return { totalBytes, availableBytes: Math.max(0, totalBytes - usedBytes + droppableBytes) };
}

const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
