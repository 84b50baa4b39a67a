import { mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../src/domain/refusal.ts';
import { readApiKey } from '../../src/access/api-key.ts';

const emptyDir = (): string => mkdtempSync(join(tmpdir(), 'chorus-key-'));

function refusalOf(call: () => unknown): [exitCode: number, message: string] | null {
  try {
    call();
    return null;
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    return [thrown.exitCode, thrown.message];
  }
}

describe('readApiKey', () => {
  it('is keyless on loopback without a key file', () => {
    expect(readApiKey({ file: null, stateDir: emptyDir(), required: false })).toBeNull();
  });

  it('makes a key that only its owner can read, once', () => {
    const dir = emptyDir();
    const made = readApiKey({ file: null, stateDir: dir, required: true });
    expect(made?.key).toMatch(/^sk-chorus-[\w-]{32}$/);
    expect(statSync(join(dir, 'api-key')).mode & 0o777).toBe(0o600);
    expect(readApiKey({ file: null, stateDir: dir, required: true })).toEqual(made);
  });

  it('insists on a key that was put there, on loopback too', () => {
    const dir = emptyDir();
    writeFileSync(join(dir, 'api-key'), 'secret\n');
    expect(readApiKey({ file: null, stateDir: dir, required: false })).toEqual({
      key: 'secret',
      file: join(dir, 'api-key'),
    });
  });

  it.each([
    ['is empty', '\n'],
    ['without blanks inside', 'sk-test key\n'],
    ['without blanks inside', 'sk-one\nsk-two\n'],
    ['(ASCII)', 'sk-schlüssel\n'],
  ])('refuses a key file that would guard nothing or lock everybody out: %s', (reason, text) => {
    const dir = emptyDir();
    writeFileSync(join(dir, 'api-key'), text);
    expect(refusalOf(() => readApiKey({ file: null, stateDir: dir, required: false }))).toEqual([
      78,
      expect.stringContaining(reason),
    ]);
  });

  it('refuses a key file that is a folder', () => {
    const dir = emptyDir();
    mkdirSync(join(dir, 'api-key'));
    expect(refusalOf(() => readApiKey({ file: null, stateDir: dir, required: true }))).toEqual([
      78,
      expect.stringContaining('api-key'),
    ]);
  });

  it('takes the file that is named for it, and never makes that one', () => {
    const [stateDir, file] = [emptyDir(), join(emptyDir(), 'from-a-secret')];
    writeFileSync(join(stateDir, 'api-key'), 'another\n');
    expect(refusalOf(() => readApiKey({ file, stateDir, required: true }))).toEqual([
      78,
      `${file} (server.api_key_file) is not there.`,
    ]);
    writeFileSync(file, 'sk-team\n');
    expect(readApiKey({ file, stateDir, required: false })).toEqual({ key: 'sk-team', file });
  });

  it('refuses to start without a key that it cannot write', () => {
    expect(refusalOf(() => readApiKey({ file: null, stateDir: '/proc/self', required: true }))).toEqual([
      73,
      expect.stringContaining('/proc/self/api-key cannot be written'),
    ]);
  });
});
