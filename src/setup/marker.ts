import { mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskFailure } from './failure.ts';

/** Writes JSON so that it is there whole or not at all, also after a power cut. Rejects with a `SetupFailure`. */
export async function writeMarker(file: string, content: unknown): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    const handle = await open(`${file}.part`, 'w');
    try {
      await handle.writeFile(`${JSON.stringify(content, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.part`, file);
  } catch (error) {
    throw diskFailure(file, error);
  }
}

/** Size of a file, or null when there is none. */
export async function sizeOf(file: string): Promise<number | null> {
  return stat(file).then(
    ({ size }) => size,
    () => null,
  );
}
