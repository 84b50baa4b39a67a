import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';
import type { CancelTimer, Clock } from '../domain/clock.ts';

const POLL_MS = 200;
const CHUNK_BYTES = 64 * 1024;
/** More than this behind, the follower skips ahead, so that a flood costs neither memory nor time. */
const MAX_BEHIND_BYTES = 1024 * 1024;
const MAX_LINE_CHARACTERS = 2000;
/** Enough for the traces of three processes. */
const KEPT_LINES = 500;

/** What a follower hears, and how large it lets its file become. */
export interface FollowOptions {
  /** Gets every line, without escape codes and cut to 2,000 characters; a carriage return ends a line too. */
  readonly onLine: (line: string) => void;
  /** A file that has grown so far is copied beside itself (`.old`, one copy) and begins again. */
  readonly maxBytes: number;
}

/** Reads along a file that another process appends to, and remembers its last lines. Reading ends with `stop`. */
export class LogFollower {
  readonly #clock: Clock;
  readonly #path: string;
  readonly #options: FollowOptions;
  readonly #file: number;
  readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #decoder = new StringDecoder('utf8');
  #offset = 0;
  #partial = '';
  #lines: string[] = [];
  #cancelPoll: CancelTimer | null = null;
  #beginsAgain = false;

  constructor(path: string, clock: Clock, options: FollowOptions) {
    this.#path = path;
    this.#clock = clock;
    this.#options = options;
    this.#file = openSync(path, 'r+');
    this.#poll();
  }

  /** The last lines, oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Reads what is left, a last line without an end included, and closes the file. Idempotent. */
  stop(): void {
    if (this.#cancelPoll === null) return;
    this.#cancelPoll();
    this.#cancelPoll = null;
    this.#read();
    this.#take(this.#decoder.end());
    this.#take('\n');
    closeSync(this.#file);
  }

  #poll(): void {
    this.#read();
    if (this.#offset > this.#options.maxBytes && !this.#beginsAgain) void this.#beginAgain();
    this.#cancelPoll = this.#clock.schedule(POLL_MS, () => this.#poll());
  }

  /** Synchronous: what an engine writes in a fifth of a second is a few kilobytes of the page cache. */
  #read(): void {
    const { size } = fstatSync(this.#file);
    // Somebody has emptied it, such as logrotate with copytruncate.
    if (size < this.#offset) this.#skipTo(0);
    if (size - this.#offset > MAX_BEHIND_BYTES) this.#skipTo(size - MAX_BEHIND_BYTES);
    while (this.#offset < size) {
      const count = readSync(this.#file, this.#buffer, 0, CHUNK_BYTES, this.#offset);
      if (count === 0) return;
      this.#offset += count;
      this.#take(this.#decoder.write(this.#buffer.subarray(0, count)));
    }
  }

  /** The engine appends, so its next line is the first of the emptied file. What it writes just now may be lost there. */
  async #beginAgain(): Promise<void> {
    this.#beginsAgain = true;
    // Without room for a copy the file is emptied all the same: that makes room.
    await copyFile(this.#path, `${this.#path}.old`).catch(() => {});
    this.#beginsAgain = false;
    if (this.#cancelPoll === null) return;
    this.#read();
    // Not by its name, which somebody may have removed meanwhile.
    ftruncateSync(this.#file);
    this.#offset = 0;
  }

  #skipTo(offset: number): void {
    this.#offset = offset;
    this.#partial = '';
    this.#decoder = new StringDecoder('utf8');
  }

  #take(text: string): void {
    const pieces = (this.#partial + text).split(/[\r\n]/);
    this.#partial = (pieces.pop() ?? '').slice(0, MAX_LINE_CHARACTERS);
    const fresh = pieces.map(cleanLine).filter((line) => line !== '');
    this.#lines = [...this.#lines, ...fresh].slice(-KEPT_LINES);
    for (const line of fresh) this.#options.onLine(line);
  }
}

function cleanLine(text: string): string {
  return stripVTControlCharacters(text).trimEnd().slice(0, MAX_LINE_CHARACTERS);
}
