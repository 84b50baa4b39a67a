import { statSync } from 'node:fs';
import { StoreError } from './response-store.ts';

/** A file that is open, where its folder lists it: one that was deleted can still be written, for nobody. */
export class ListedFile {
  readonly #path: string;
  readonly #inode: number | null;

  constructor(path: string) {
    this.#path = path;
    this.#inode = inodeOf(path);
  }

  /** Throws a `StoreError` once the file is deleted, or another stands in its place. */
  assertThere(): void {
    if (inodeOf(this.#path) === this.#inode) return;
    const message =
      "The store's file was deleted or replaced while Chorus has it open: nothing more can be kept. Restart Chorus.";
    throw new StoreError('io_error', message);
  }
}

/** Null where there is none. */
const inodeOf = (path: string): number | null => statSync(path, { throwIfNoEntry: false })?.ino ?? null;
