import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MiB } from '../../src/domain/units.ts';
import { bytesOnDisk } from '../../src/setup/bytes-on-disk.ts';
import { collectSetupFacts } from '../../src/setup/collect-facts.ts';
import type { SetupWish } from '../../src/setup/setup-plan.ts';
import { SETUP_WISH } from '../support/setup-wish.ts';

let stateDir: string;
let environment: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'chorus-facts-'));
  environment = join(stateDir, 'vllm/0.32.0-cu130');
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

/** Writes a file of so many MiB into the environment's folder. */
function write(path: string, sizeMiB: number): string {
  const file = join(environment, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, Buffer.alloc(sizeMiB * MiB, 1));
  return file;
}

const facts = (wish: Partial<SetupWish> = {}) =>
  collectSetupFacts(
    { ...SETUP_WISH, stateDir, modelPath: '/m', ...wish },
    { environment: { PATH: '' } },
    new AbortController().signal,
  );
const leftoverMiB = async (wish: Partial<SetupWish> = {}): Promise<number> =>
  Math.floor((await facts(wish)).leftoverBytes / MiB);

describe('what is left where an environment would be made', () => {
  it('is what a half-made one takes on disk', async () => {
    expect((await facts()).leftoverBytes).toBe(0);
    write('lib/torch.so', 3);
    write('lib/nvidia/cublas.so', 2);
    expect(await leftoverMiB()).toBe(5);
  });

  it('is nothing where another one would be made, or none', async () => {
    write('lib/torch.so', 3);
    expect(await leftoverMiB({ engine: 'cpu' })).toBe(0);
    expect(await leftoverMiB({ driverVersion: '470.1' })).toBe(0);
    expect(await leftoverMiB({ python: '/mine/bin/python' })).toBe(0);
  });

  it('is nothing of a whole one, and all of one whose interpreter is gone or cannot be run', async () => {
    write('lib/torch.so', 3);
    write('chorus-complete.json', 0);
    const python = write('lib/python3.12', 0);
    mkdirSync(join(environment, 'bin'));
    symlinkSync(python, join(environment, 'bin/python'));
    const seen = async () => [(await facts()).ownEnvironments, await leftoverMiB()];
    expect(await seen()).toEqual([[], 3]);
    chmodSync(python, 0o755);
    expect(await seen()).toEqual([[environment], 0]);
    rmSync(python);
    expect(await seen()).toEqual([[], 3]);
  });
});

describe('the bytes of a folder on disk', () => {
  it('are not those behind its links', async () => {
    write('large', 4);
    const links = join(stateDir, 'links');
    mkdirSync(links);
    symlinkSync(environment, join(links, 'folder'));
    symlinkSync(join(environment, 'large'), join(links, 'file'));
    expect(await bytesOnDisk(links)).toBeLessThan(MiB);
  });

  it('are those of as many entries as may be looked at', async () => {
    for (const name of ['a', 'b', 'c/d', 'c/e']) write(name, 1);
    expect(Math.floor((await bytesOnDisk(environment)) / MiB)).toBe(4);
    expect(Math.floor((await bytesOnDisk(environment, 4)) / MiB)).toBe(3);
  });
});
