import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { sleep, type Clock } from '../domain/clock.ts';

/** Whether the kernel log is followed. Reading it takes root or CAP_SYSLOG on most machines, and pods have none. */
export type KernelLogState =
  | { readonly kind: 'opening' }
  | { readonly kind: 'followed' }
  | { readonly kind: 'unreadable'; readonly reason: string };

export interface KernelLogOptions {
  /** `/dev/kmsg`, or what stands for it: a pipe or a file that grows. */
  readonly file: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** A line that was written after the log was opened. */
  readonly onLine: (line: string) => void;
  readonly onState: (state: KernelLogState) => void;
}

/** A record of `/dev/kmsg` is read whole or not at all, and has at most this size (kernel/printk, `CONSOLE_EXT_LOG_MAX`). */
const RECORD_BYTES = 8192;
const POLL_MS = 1000;

/**
 * Follows the kernel log from its present end until `signal` aborts or it cannot be read; never rejects. It is asked once
 * a second for what is there and never waited on, so that no thread is held.
 */
export async function followKernelLog(options: KernelLogOptions): Promise<void> {
  const { file, signal, onState } = options;
  let handle: FileHandle | null = null;
  try {
    handle = await openLog(file);
    await readAvailable(handle);
    onState({ kind: 'followed' });
    await followFrom(handle, options);
  } catch (error) {
    if (!signal.aborted) onState({ kind: 'unreadable', reason: (error as Error).message });
  } finally {
    await handle?.close();
  }
}

/** What the kernel log holds now. Rejects where it cannot be read. */
export async function readKernelLog(file: string): Promise<readonly string[]> {
  const handle = await openLog(file);
  try {
    return (await readAvailable(handle)).split('\n');
  } finally {
    await handle.close();
  }
}

/** For reading without waiting. The kernel asks for rights here and not at every read. */
const openLog = (file: string): Promise<FileHandle> => open(file, constants.O_RDONLY | constants.O_NONBLOCK);

async function followFrom(handle: FileHandle, { clock, signal, onLine }: KernelLogOptions): Promise<void> {
  let rest = '';
  while (!signal.aborted) {
    await sleep(clock, POLL_MS, signal);
    const lines = (rest + (await readAvailable(handle))).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (!signal.aborted) onLine(line);
  }
}

/** What can be read without waiting: `/dev/kmsg` says EAGAIN at its end, a file nothing. */
async function readAvailable(handle: FileHandle): Promise<string> {
  const buffer = Buffer.alloc(RECORD_BYTES);
  let text = '';
  for (;;) {
    const bytes = await readOnce(handle, buffer);
    if (bytes === 0) return text;
    if (bytes !== null) text += buffer.toString('latin1', 0, bytes);
  }
}

/** The bytes read; 0 where there are none now, null where records were overwritten before they were read. */
async function readOnce(handle: FileHandle, buffer: Buffer): Promise<number | null> {
  try {
    return (await handle.read(buffer, 0, buffer.length, null)).bytesRead;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN') return 0;
    if (code === 'EPIPE') return null;
    throw error;
  }
}
