import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/access/digest.ts';
import { KeyRing } from '../../src/access/key-ring.ts';
import { CodedError } from '../../src/domain/errors.ts';
import { NO_LIMITS } from '../../src/domain/limits.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { systemClock } from '../../src/system/clock.ts';

let stateDir: string;
let file: string;
const opened: KeyRing[] = [];
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'chorus-ring-'));
  file = join(stateDir, 'keys.json');
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((keys) => keys.close()));
  rmSync(stateDir, { recursive: true, force: true });
});

function open(): KeyRing {
  const keys = new KeyRing({ stateDir, clock: systemClock });
  opened.push(keys);
  return keys;
}

async function reopen(keys: KeyRing): Promise<KeyRing> {
  opened.splice(opened.indexOf(keys), 1);
  await keys.close();
  return open();
}

function refusalOf(call: () => unknown): [exitCode: number, message: string] {
  try {
    call();
  } catch (thrown) {
    if (thrown instanceof Refusal) return [thrown.exitCode, thrown.message];
    throw thrown;
  }
  return expect.fail('not refused');
}

describe('a named key', () => {
  it('is found by its secret after a reopening, and its secret is nowhere in the file', async () => {
    const keys = open();
    const made = await keys.create({ name: 'ci', project: 'team', limits: { concurrent: 4 } });
    expect(made.key).toMatch(/^sk-chorus-[\w-]{32}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).not.toContain(made.key.slice('sk-chorus-'.length));
    const again = await reopen(keys);
    expect(again.find(digestOf(made.key))).toEqual({ project: 'team', keyId: made.id });
    expect(again.find(digestOf(`${made.key}x`))).toBeNull();
    expect(again.listing.keys).toEqual([
      {
        id: made.id,
        name: 'ci',
        project: 'team',
        createdAtMs: made.createdAtMs,
        expiresAtMs: null,
        limits: { ...NO_LIMITS, concurrent: 4 },
      },
    ]);
  });

  it('can be revoked by name and by id, and then is nowhere', async () => {
    const keys = open();
    const [a, b] = [await keys.create({ name: 'a' }), await keys.create({ name: 'b' })];
    await keys.revoke('a');
    await keys.revoke(b.id);
    expect([keys.find(digestOf(a.key)), keys.find(digestOf(b.key)), keys.listing.keys]).toEqual([null, null, []]);
    const again = await reopen(keys);
    expect([again.requiresKey, again.listing.keys]).toEqual([true, []]);
    await expect(again.revoke('a')).rejects.toMatchObject({ errorName: 'not_found', param: 'key' });
  });

  it.each([
    ['name', { name: 'a b' }],
    ['name', { name: '../x' }],
    ['name', { name: 'key_0123' }],
    ['name', { name: '' }],
    ['project', { name: 'ok', project: 'ü' }],
    ['name', { name: 'taken' }],
    ['expiresAtMs', { name: 'late', expiresAtMs: 1 }],
    ['expiresAtMs', { name: 'never', expiresAtMs: 1e300 }],
  ])('is refused for its %s: %o', async (param, wish) => {
    const keys = open();
    await keys.create({ name: 'taken' });
    await expect(keys.create(wish)).rejects.toMatchObject({ errorName: 'invalid_value', param });
    expect(keys.listing.keys).toHaveLength(1);
  });
});

describe('what root makes in the folder of a service', () => {
  it("is the service's, so that it can start with it", async () => {
    if (process.getuid?.() === 0) chownSync(stateDir, 2000, 2001);
    await open().create({ name: 'a' });
    const ownerOf = (path: string): number[] => [statSync(path).uid, statSync(path).gid];
    const made = ['keys.json', 'keys.lock'].map((name) => ownerOf(join(stateDir, name)));
    expect(made).toEqual([ownerOf(stateDir), ownerOf(stateDir)]);
  });
});

describe('many changes at once', () => {
  it('are all made', async () => {
    const keys = open();
    const names = Array.from({ length: 20 }, (_, index) => `k${index}`);
    const made = await Promise.all(names.map((name) => keys.create({ name })));
    await Promise.all([keys.revoke('k0'), keys.limitProject('p', { concurrent: 1 })]);
    const again = await reopen(keys);
    expect(again.listing.keys.map(({ name }) => name)).toEqual(names.slice(1));
    expect(again.listing.projects).toEqual({ p: { ...NO_LIMITS, concurrent: 1 } });
    expect(made.slice(1).every(({ key }) => again.find(digestOf(key)) !== null)).toBe(true);
  });
});

describe('a change that cannot be written', () => {
  it('changes nothing, and says so', async () => {
    const keys = open();
    const { key } = await keys.create({ name: 'a' });
    // A folder of that name is in the way, for root too.
    mkdirSync(join(stateDir, 'keys.json.part', 'x'), { recursive: true });
    const failure = await keys.revoke('a').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CodedError);
    expect((failure as CodedError).message).toMatch(/^Nothing is changed: .*keys\.json cannot be written/);
    expect(keys.find(digestOf(key))).not.toBeNull();
    rmSync(join(stateDir, 'keys.json.part'), { recursive: true });
    await keys.revoke('a');
    expect(keys.find(digestOf(key))).toBeNull();
  });
});

describe('a key file that cannot be used is a refusal that names it', () => {
  it.each([
    ['is no JSON', '{"version":1,'],
    ['an empty file', ''],
    ['another version', '{"version":2,"requiresKey":true,"keys":[],"projects":{}}'],
    ['a key without its hash', '{"version":1,"requiresKey":true,"keys":[{"name":"a"}],"projects":{}}'],
    ['null', 'null'],
  ])('%s', (_what, text) => {
    writeFileSync(file, text);
    expect(refusalOf(open)).toEqual([78, expect.stringContaining(file)]);
    // It is not held after that, and what was there is still there.
    expect(refusalOf(open)[0]).toBe(78);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('a folder', () => {
    mkdirSync(file);
    expect(refusalOf(open)).toEqual([78, expect.stringContaining(file)]);
  });
});

describe('two writers', () => {
  it('are refused, until the first has closed', async () => {
    const keys = open();
    expect(refusalOf(open)).toEqual([75, expect.stringContaining('in use')]);
    await reopen(keys);
  });

  it('are refused over processes, and a killed process holds nothing', { timeout: 60_000 }, async () => {
    const program = fileURLToPath(new URL('../support/children/hold-keys.ts', import.meta.url));
    const child = spawn(process.execPath, [program, stateDir], { stdio: ['pipe', 'pipe', 'inherit'] });
    expect(String((await once(child.stdout, 'data'))[0])).toBe('holds 0\n');
    expect(refusalOf(open)[0]).toBe(75);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(readdirSync(stateDir)).toEqual(['keys.lock']);
    expect(open().listing.keys).toEqual([]);
  });
});
