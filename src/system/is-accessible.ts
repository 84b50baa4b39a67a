import { constants } from 'node:fs';
import { access } from 'node:fs/promises';

/** Whether this process may do so with a file or folder (`constants` of `node:fs`); by default, whether it is there. */
export async function isAccessible(file: string, mode: number = constants.F_OK): Promise<boolean> {
  return access(file, mode).then(
    () => true,
    () => false,
  );
}
