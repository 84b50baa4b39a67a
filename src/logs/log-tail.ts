import { open, type FileHandle } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { isForbidden, unreadable } from '../system/unreadable.ts';
import type { LogSource } from './log-files.ts';

/** What one look reads at most, so that a flood is followed in pieces. */
const PIECE_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * The end of one log, and then what is added to it. A log goes on in the next file when its engine starts again, and
 * begins again when it has grown too large: what it held is then in a copy with the ending `.old`, up to the same place.
 */
export class LogTail {
  readonly #source: LogSource;
  #file: string | null = null;
  #inode = 0;
  #offset = 0;
  #decoder = new StringDecoder('utf8');
  #partial = '';

  constructor(source: LogSource) {
    this.#source = source;
  }

  /** The last `count` lines that are whole, oldest first; `next` goes on behind them. */
  async last(count: number): Promise<readonly string[]> {
    let lines: readonly string[] = [];
    const files = this.#source.files();
    for (const file of files.toReversed()) {
      for (const name of [file, `${file}.old`]) {
        if (lines.length >= count && this.#file !== null) return lines;
        const end = await readEnd(name, count - lines.length);
        if (end === null) continue;
        lines = [...end.lines, ...lines];
        if (this.#file === null) this.#standAt(file, end);
      }
    }
    return lines;
  }

  /** What was added since, whole lines; empty when nothing was. A large rest comes in pieces: ask again at once. */
  async next(): Promise<readonly string[]> {
    const files = this.#source.files();
    const current = this.#file ?? files[0];
    if (current === undefined) return [];
    const lines = await this.#readOn(current);
    const following = files[files.indexOf(current) + 1];
    if (lines.length > 0 || following === undefined) return lines;
    const unfinished = this.rest();
    this.#standAt(following, { inode: 0, offset: 0 });
    return unfinished;
  }

  /** A last line without an end, if there is one. */
  rest(): readonly string[] {
    const text = this.#partial + this.#decoder.end();
    this.#partial = '';
    return text === '' ? [] : [text];
  }

  #standAt(file: string, { inode, offset }: { readonly inode: number; readonly offset: number }): void {
    this.#file = file;
    this.#inode = inode;
    this.#offset = offset;
  }

  async #readOn(file: string): Promise<readonly string[]> {
    const piece = await readFrom(file, this.#offset, this.#inode);
    if (piece === null) return [];
    if (piece.kind === 'read') {
      this.#standAt(file, { inode: piece.inode, offset: this.#offset + piece.bytes.length });
      return this.#take(piece.bytes);
    }
    const before = await readFrom(`${file}.old`, this.#offset, 0);
    const lost = before?.kind === 'read' ? before.bytes : Buffer.alloc(0);
    // As long as the copy has more, the file itself waits.
    if (lost.length === PIECE_BYTES) this.#offset += lost.length;
    else this.#standAt(file, { inode: piece.inode, offset: 0 });
    return this.#take(lost);
  }

  #take(bytes: Buffer): readonly string[] {
    const pieces = (this.#partial + this.#decoder.write(bytes)).split('\n');
    this.#partial = pieces.pop() ?? '';
    return pieces;
  }
}

type Piece =
  | { readonly kind: 'read'; readonly bytes: Buffer; readonly inode: number }
  /** The file ends before the place, or is another one than the one that was read. */
  | { readonly kind: 'began_again'; readonly inode: number };

/** What stands from `offset` on; null where there is no such file. An `inode` of 0 takes any. */
async function readFrom(file: string, offset: number, inode: number): Promise<Piece | null> {
  await using handle = await openIfThere(file);
  if (handle === null) return null;
  const { size, ino } = await handle.stat();
  if (size < offset || (inode !== 0 && ino !== inode)) return { kind: 'began_again', inode: ino };
  return { kind: 'read', bytes: await readRange(handle, offset, Math.min(size, offset + PIECE_BYTES)), inode: ino };
}

interface FileEnd {
  readonly lines: readonly string[];
  /** Behind the last whole line. */
  readonly offset: number;
  readonly inode: number;
}

/** The last `count` whole lines of a file, read from its end; null where there is no such file. */
async function readEnd(file: string, count: number): Promise<FileEnd | null> {
  await using handle = await openIfThere(file);
  if (handle === null) return null;
  const { size, ino } = await handle.stat();
  const pieces: Buffer[] = [];
  let from = size;
  for (let newlines = 0; from > 0 && newlines <= count;) {
    const begin = Math.max(0, from - PIECE_BYTES);
    const piece = await readRange(handle, begin, from);
    newlines += countLines(piece);
    pieces.unshift(piece);
    from = begin;
  }
  const bytes = Buffer.concat(pieces);
  const whole = bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);
  const lines = whole.toString('utf8').split('\n').slice(0, -1);
  // Where the reading did not begin with the file, the first line may be half of one.
  const complete = from > 0 ? lines.slice(1) : lines;
  return { lines: count === 0 ? [] : complete.slice(-count), offset: from + whole.length, inode: ino };
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

async function readRange(handle: FileHandle, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(to - from);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
  return buffer.subarray(0, bytesRead);
}

async function openIfThere(file: string): Promise<FileHandle | null> {
  try {
    return await open(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw isForbidden(error) ? unreadable(`The log ${file}`, error) : error;
  }
}
