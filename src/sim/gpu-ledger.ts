import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { sleep, type Clock } from '../domain/clock.ts';
import { formatBytes, MiB } from '../domain/units.ts';

/** The file that stands for the memory of a machine's GPUs; a simulated nvidia-smi reads the same one. */
export interface GpuLedger {
  readonly gpus: readonly LedgerGpu[];
  readonly bookings: readonly Booking[];
}

export interface LedgerGpu {
  readonly uuid: string;
  readonly totalMiB: number;
  /** What the driver keeps for itself: neither used nor free. */
  readonly reservedMiB: number;
}

/** What a process holds on one card. As with the real driver it ends with the process, however that ends. */
export interface Booking {
  readonly pid: number;
  readonly uuid: string;
  readonly bytes: number;
  /** Holds as long as the ledger says: a process of somebody else, which does not exist here. */
  readonly isForeign?: boolean;
}

/** What an engine takes at its start. */
export interface MemoryRequest {
  readonly pid: number;
  /** `CUDA_VISIBLE_DEVICES`: indices in the ledger; absent: the first card. */
  readonly visibleDevices: string | undefined;
  /** Share of each card (`--gpu-memory-utilization`). */
  readonly utilization: number;
}

const LOCK_RETRY_MS = 10;
const LOCK_DEADLINE_MS = 10_000;

/**
 * Books the share on every visible card, all or none. Resolves to null, or to the sentence with which vLLM refuses to
 * start when that much is not free. Throws if the ledger cannot be read or stays locked for ten seconds.
 */
export async function bookMemory(file: string, request: MemoryRequest, clock: Clock): Promise<string | null> {
  return withLock(file, clock, () => {
    const ledger = JSON.parse(readFileSync(file, 'utf8')) as GpuLedger;
    const bookings = liveBookings(ledger);
    const indices = (request.visibleDevices ?? '0').split(',').map(Number);
    const added: Booking[] = [];
    for (const [position, index] of indices.entries()) {
      const gpu = ledger.gpus[index];
      if (!gpu) return 'RuntimeError: No CUDA GPUs are available';
      const totalBytes = (gpu.totalMiB - gpu.reservedMiB) * MiB;
      const bytes = Math.ceil(totalBytes * request.utilization);
      const freeBytes = totalBytes - heldBytes(bookings, gpu.uuid);
      if (bytes > freeBytes) return shortage(position, { freeBytes, totalBytes, bytes, share: request.utilization });
      added.push({ pid: request.pid, uuid: gpu.uuid, bytes });
    }
    writeWhole(file, { ...ledger, bookings: [...bookings, ...added] });
    return null;
  });
}

/** The bookings of processes that live, and of others'. */
export function liveBookings({ bookings }: GpuLedger): readonly Booking[] {
  return bookings.filter(({ pid, isForeign }) => isForeign === true || lives(pid));
}

/** A process that has ended and that nobody waited for yet is still listed, but holds no memory. */
function lives(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(text.slice(text.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** Bytes that these bookings hold on a card. */
export function heldBytes(bookings: readonly Booking[], uuid: string): number {
  return bookings.reduce((sum, booking) => (booking.uuid === uuid ? sum + booking.bytes : sum), 0);
}

interface Shortage {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly bytes: number;
  readonly share: number;
}

/** vLLM's own words (`v1/worker/utils.py`, `request_memory`). */
function shortage(device: number, { freeBytes, totalBytes, bytes, share }: Shortage): string {
  const figures = `${formatBytes(freeBytes).replace(' GiB', '')}/${formatBytes(totalBytes)}`;
  return (
    `ValueError: Free memory on device cuda:${device} (${figures}) on startup is less than desired GPU memory ` +
    `utilization (${share}, ${formatBytes(bytes)}). Decrease GPU memory utilization or reduce GPU memory used by other ` +
    `processes.`
  );
}

/** One writer at a time, by a file that only one can create. */
async function withLock<Result>(file: string, clock: Clock, act: () => Result): Promise<Result> {
  const lock = `${file}.lock`;
  const startedMs = clock.monotonicMs();
  while (!create(lock)) {
    if (clock.monotonicMs() - startedMs > LOCK_DEADLINE_MS) throw new Error(`${lock} is held for too long`);
    await sleep(clock, LOCK_RETRY_MS);
  }
  try {
    return act();
  } finally {
    rmSync(lock);
  }
}

function create(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Readers do not lock, so they find the old file or the new one. */
function writeWhole(file: string, ledger: GpuLedger): void {
  writeFileSync(`${file}.part`, JSON.stringify(ledger, null, 2));
  renameSync(`${file}.part`, file);
}
