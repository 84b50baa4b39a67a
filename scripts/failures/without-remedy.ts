import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { RemedyRemoval } from './failure-mode.ts';

/** What is not part of the sources. */
const NOT_COPIED = ['node_modules', '.git', '.cache', 'dist'];

/** Copies the sources at `root` into a temporary folder, with the packages linked, and removes it after `use`. */
export async function inCopy<Result>(root: string, use: (copy: string) => Promise<Result>): Promise<Result> {
  const copy = mkdtempSync(join(tmpdir(), 'chorus-copy-'));
  try {
    const isSource = (path: string): boolean => path === root || !NOT_COPIED.includes(basename(path));
    cpSync(root, copy, { recursive: true, filter: isSource });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    return await use(copy);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Runs `use` while the remedy is missing in this copy of the sources. Throws when the edit fits nowhere, or twice. */
export async function withoutRemedy<Result>(
  copy: string,
  removal: RemedyRemoval,
  use: () => Promise<Result>,
): Promise<Result> {
  const file = join(copy, removal.file);
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, removeRemedy(text, removal));
  try {
    return await use();
  } finally {
    writeFileSync(file, text);
  }
}

/** The text of a source file without the remedy. Throws when the edit fits nowhere, or twice. */
export function removeRemedy(text: string, { name, file, find, replace }: RemedyRemoval): string {
  const count = text.split(find).length - 1;
  if (count !== 1) throw new Error(`the edit that removes "${name}" fits ${count} times in ${file}`);
  return text.replace(find, () => replace);
}
