import type { GpuMemory, GpuMemoryReader } from '../domain/gpu.ts';
import { askList } from './ask-list.ts';
import type { CsvRow } from './csv-cells.ts';
import { readMemInfo } from './host.ts';
import { openNvidiaSmi, type NvidiaSmiPlace } from './open-nvidia-smi.ts';
import { listProcesses } from './processes.ts';
import { listQuestion } from './run-nvidia-smi.ts';
import { hasUnifiedMemory } from './unified-memory.ts';

const FIELDS: readonly string[] = ['uuid', 'name', 'memory.used', 'memory.free'];

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
  const { rows } = await askList(nvidiaSmi, FIELDS, outcome);
  // One lost card makes nvidia-smi fail, but it may have listed the others before.
  if (rows.length === 0) return null;
  const processes = await listProcesses(nvidiaSmi);
  const cards = await Promise.all(
    rows.map(async (row): Promise<GpuMemory[]> => {
      const uuid = row.text('uuid');
      const figures = await figuresOf(row, place.root);
      return uuid === null || figures === null ? [] : [{ uuid, ...figures, processes: processes.get(uuid) ?? [] }];
    }),
  );
  return cards.flat();
}

/** Where the card has no memory of its own, those of the host. */
async function figuresOf(row: CsvRow, root: string): Promise<Pick<GpuMemory, 'usedBytes' | 'freeBytes'> | null> {
  const [usedBytes, freeBytes] = [row.bytes('memory.used'), row.bytes('memory.free')];
  if (usedBytes !== null && freeBytes !== null) return { usedBytes, freeBytes };
  if (!hasUnifiedMemory(row.text('name') ?? '')) return null;
  const memory = await readMemInfo(root);
  if (memory === null) return null;
  return { usedBytes: memory.totalBytes - memory.availableBytes, freeBytes: memory.availableBytes };
}
