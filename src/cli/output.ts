import type { Writable } from 'node:stream';

/** The reader is gone, the terminal is gone, the disk is full. */
const UNREADABLE = ['EPIPE', 'EIO', 'ENOSPC'];

/**
 * Lets the program go on when nobody can read what it prints: `chorus serve | head -2` goes on serving. Any other error
 * of these streams still ends it. Gives whether a disk was too full for what was printed.
 */
export function outliveReaders(streams: readonly Writable[]): () => boolean {
  let isDiskFull = false;
  for (const stream of streams) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!UNREADABLE.includes(error.code ?? '')) throw error;
      isDiskFull ||= error.code === 'ENOSPC';
    });
  }
  return () => isDiskFull;
}

/** Aborts when nobody reads any more: `chorus logs -f | head` has seen enough. */
export function untilReaderGone(output: Writable): AbortSignal {
  const readerGone = new AbortController();
  output.on('error', () => readerGone.abort());
  return readerGone.signal;
}

/** Resolves when all that was printed is with its readers, or nobody reads any more: an exit cuts off what waits. */
export async function allWritten(streams: readonly Writable[]): Promise<void> {
  await Promise.all(streams.map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))));
}

/** Writes lines as fast as they are read, until there are no more or nobody reads them. */
export async function writeLines(
  output: Writable,
  lines: AsyncIterable<string> | Iterable<string>,
  readerGone = untilReaderGone(output),
): Promise<void> {
  for await (const line of lines) {
    if (readerGone.aborted) return;
    if (!output.write(`${line}\n`)) await drained(output, readerGone);
  }
}

/** Resolves when more can be written, or when nobody reads any more. */
function drained(output: Writable, readerGone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      output.off('drain', finish);
      readerGone.removeEventListener('abort', finish);
      resolve();
    };
    output.once('drain', finish);
    readerGone.addEventListener('abort', finish, { once: true });
  });
}
