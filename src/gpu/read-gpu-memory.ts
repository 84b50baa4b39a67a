import type { GpuMemory, GpuMemoryReader } from '../domain/gpu.ts';
import { csvRow, linesOf, type CsvRow } from './csv-cells.ts';
import { readMemInfo } from './host.ts';
import { openNvidiaSmi, type NvidiaSmiPlace } from './open-nvidia-smi.ts';
import { listProcesses } from './processes.ts';
import { listQuestion } from './run-nvidia-smi.ts';
import { hasUnifiedMemory } from './unified-memory.ts';

const FIELDS: readonly string[] = ['uuid', 'name', 'memory.used'];

/**
 * Reads what is in use on every card, with two short questions. Whoever asks while they are under way gets the same
 * answer, so that questions never pile up before a driver that hangs.
 */
export function gpuMemoryReader(place: NvidiaSmiPlace): GpuMemoryReader {
  let pending: Promise<readonly GpuMemory[] | null> | null = null;
  return () => {
    pending ??= readGpuMemory(place).finally(() => {
      pending = null;
    });
    return pending;
  };
}

async function readGpuMemory(place: NvidiaSmiPlace): Promise<readonly GpuMemory[] | null> {
  const { nvidiaSmi, outcome } = await openNvidiaSmi(place, listQuestion('gpu', FIELDS));
  if (outcome.kind !== 'finished') return null;
  const rows = linesOf(outcome.stdout).flatMap((line) => csvRow(line, FIELDS) ?? []);
  // One lost card makes nvidia-smi fail, but it may have listed the others before.
  if (rows.length === 0) return null;
  const processes = await listProcesses(nvidiaSmi);
  const cards = await Promise.all(
    rows.map(async (row): Promise<GpuMemory[]> => {
      const uuid = row.text('uuid');
      const usedBytes = await usedBytesOf(row, place.root);
      return uuid === null || usedBytes === null ? [] : [{ uuid, usedBytes, processes: processes.get(uuid) ?? [] }];
    }),
  );
  return cards.flat();
}

/** Where the card has no memory of its own, what the host uses of it. */
async function usedBytesOf(row: CsvRow, root: string): Promise<number | null> {
  const used = row.bytes('memory.used');
  if (used !== null || !hasUnifiedMemory(row.text('name') ?? '')) return used;
  const memory = await readMemInfo(root);
  return memory === null ? null : memory.totalBytes - memory.availableBytes;
}
