import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskFailure, SetupFailure } from './failure.ts';
import type { HubFile } from './setup-plan.ts';

const READ_BYTES = 1024 * 1024;

/**
 * Where the half of a file lies: named by its checksum, so that a half is never continued with another content, and by
 * the file, because two of them may be the same and are downloaded side by side.
 */
export function partPath(partsFolder: string, { checksum, path }: HubFile): string {
  return join(partsFolder, `${checksum.hex}-${path}.part`);
}

/** The half of a file on disk, hashed as far as it is written. Its methods reject with a `SetupFailure`. */
export class PartFile {
  readonly #path: string;
  readonly #file: HubFile;
  readonly #handle: FileHandle;
  #hash: Hash;
  #sizeBytes = 0;

  private constructor(path: string, file: HubFile, handle: FileHandle) {
    this.#path = path;
    this.#file = file;
    this.#handle = handle;
    this.#hash = newHash(file);
  }

  /** Opens what an earlier run left, or nothing, and hashes it. An abort of `signal` rejects with its reason. */
  static async open(partsFolder: string, file: HubFile, signal: AbortSignal): Promise<PartFile> {
    const path = partPath(partsFolder, file);
    try {
      await mkdir(partsFolder, { recursive: true });
      const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
      const part = new PartFile(path, file, handle);
      await part.#readAgain(signal).catch(async (error: unknown) => {
        await handle.close();
        throw error;
      });
      return part;
    } catch (error) {
      throw signal.aborted ? signal.reason : diskFailure(path, error);
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Every byte is there; whether they are the right ones, `finish` tells. */
  get isFull(): boolean {
    return this.#sizeBytes === this.#file.sizeBytes;
  }

  /** Resolves when the bytes are handed to the system. More than the file has is an answer that is not the file. */
  async append(bytes: Uint8Array): Promise<void> {
    if (this.#sizeBytes + bytes.length > this.#file.sizeBytes) {
      throw new SetupFailure('wrong_checksum', `${this.#file.path} is longer than the hub said.`);
    }
    try {
      // One write may take a part only, on a disk that is nearly full.
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, this.#sizeBytes + at);
        at += bytesWritten;
      }
    } catch (error) {
      throw diskFailure(this.#path, error);
    }
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
  }

  /** Forgets everything that was written. */
  async restart(): Promise<void> {
    await this.#handle.truncate(0).catch((error: unknown) => {
      throw diskFailure(this.#path, error);
    });
    this.#hash = newHash(this.#file);
    this.#sizeBytes = 0;
  }

  /** Moves the whole file to `target`, synced. A content that is not the promised one is thrown away and rejects. */
  async finish(target: string): Promise<void> {
    const found = this.#hash.copy().digest('hex');
    if (found !== this.#file.checksum.hex) {
      await this.restart();
      const sentence = `${this.#file.path} arrived with the checksum ${found.slice(0, 12)}…, the hub promised ${this.#file.checksum.hex.slice(0, 12)}….`;
      throw new SetupFailure('wrong_checksum', sentence);
    }
    try {
      await mkdir(dirname(target), { recursive: true });
      await this.#handle.sync();
      await rename(this.#path, target);
    } catch (error) {
      throw diskFailure(target, error);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #readAgain(signal: AbortSignal): Promise<void> {
    const { size } = await this.#handle.stat();
    if (size > this.#file.sizeBytes) return this.restart();
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(1, size)));
    while (this.#sizeBytes < size) {
      signal.throwIfAborted();
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, this.#sizeBytes);
      if (bytesRead === 0) break;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#sizeBytes += bytesRead;
    }
  }
}

/** git names a blob by the SHA-1 of `blob SIZE\0` and the content (git-hash-object(1)). */
function newHash({ checksum, sizeBytes }: HubFile): Hash {
  return checksum.algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${sizeBytes}\0`);
}

/** Removes the halves once nothing is missing any more. */
export async function removeParts(partsFolder: string): Promise<void> {
  await rm(partsFolder, { recursive: true, force: true });
}
