import type { Writable } from 'node:stream';

/** The reader is gone, the terminal is gone, the disk is full. */
const UNREADABLE = ['EPIPE', 'EIO', 'ENOSPC'];

/**
 * Lets the program go on when nobody can read what it prints: `chorus serve | head -2` goes on serving. Any other error
 * of these streams still ends it.
 */
export function outliveReaders(streams: readonly Writable[]): void {
  const onError = (error: NodeJS.ErrnoException): void => {
    if (!UNREADABLE.includes(error.code ?? '')) throw error;
  };
  for (const stream of streams) stream.on('error', onError);
}
