import { existsSync, readFileSync } from 'node:fs';
import { execa } from 'execa';
import { expect, it } from 'vitest';

const CHILD = new URL('../support/children/client-loads.ts', import.meta.url).pathname;
const ROOT = new URL('../..', import.meta.url);

interface Loaded {
  readonly atFirst: readonly string[];
  readonly withHarmony: readonly string[];
}

const packagesOf = (urls: readonly string[]): Set<string> =>
  new Set(urls.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []));

const foldersOf = (urls: readonly string[]): Set<string> =>
  new Set(urls.flatMap((url) => /\/src\/(client|system\/[\w.-]+|[\w-]+)/.exec(url)?.[1] ?? []));

it('loads nothing of the server, and the vocabulary only for harmony mode', async () => {
  const { stdout } = await execa(process.execPath, [CHILD]);
  const { atFirst, withHarmony } = JSON.parse(stdout) as Loaded;
  expect([foldersOf(atFirst), packagesOf(atFirst)]).toEqual([
    new Set(['client', 'system/clock.ts', 'domain']),
    new Set(['openai']),
  ]);
  expect([foldersOf(withHarmony), packagesOf(withHarmony)]).toEqual([
    new Set(['client', 'system/clock.ts', 'domain', 'harmony', 'protocol', 'system/vocabulary.ts']),
    new Set(['openai']),
  ]);
});

it('is what the package exports as ./client', () => {
  const { exports } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
    exports: Record<string, Record<string, string>>;
  };
  const targets = Object.values(exports['./client'] ?? {});
  const sources = targets.map((path) => path.replace('./dist/', 'src/').replace(/(?:\.d\.ts|\.js)$/, '.ts'));
  expect(new Set(sources)).toEqual(new Set(['src/client/index.ts']));
  expect(existsSync(new URL('src/client/index.ts', ROOT))).toBe(true);
});
