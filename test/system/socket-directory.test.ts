import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseSocketDirectory } from '../../src/system/socket-directory.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chorus-sockets-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('the socket directory', () => {
  it('is in the state directory, for this user alone', () => {
    const directory = chooseSocketDirectory(folder, 'e10.sock');
    expect(directory.socketPath('e0.sock')).toBe(join(folder, 'sockets', 'e0.sock'));
    expect(existsSync(join(folder, 'sockets'))).toBe(false);
    directory.make();
    expect(modeOf(join(folder, 'sockets'))).toBe('700');
  });

  it('is a short temporary one when the longest address has more than 107 bytes, and is removed', () => {
    const room = 107 - Buffer.byteLength(join(folder, 'sockets', 'é.sock')) - 1;
    const fits = join(folder, 'x'.repeat(room));
    expect(chooseSocketDirectory(fits, 'é.sock').socketPath('é.sock')).toBe(join(fits, 'sockets', 'é.sock'));
    const directory = chooseSocketDirectory(`${fits}x`, 'é.sock');
    const path = directory.socketPath('é.sock');
    expect(existsSync(join(path, '..'))).toBe(false);
    directory.make();
    expect([path.startsWith(tmpdir()), modeOf(join(path, '..'))]).toEqual([true, '700']);
    directory.remove();
    expect(existsSync(join(path, '..'))).toBe(false);
  });
});
