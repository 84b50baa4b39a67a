import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readApiKey } from '../../src/access/api-key.ts';

const emptyDir = (): string => mkdtempSync(join(tmpdir(), 'chorus-key-'));

describe('readApiKey', () => {
  it('is keyless on loopback without a key file', () => {
    expect(readApiKey(emptyDir(), { required: false })).toBeNull();
  });

  it('makes a key that only its owner can read, once', () => {
    const dir = emptyDir();
    const made = readApiKey(dir, { required: true });
    expect(made?.key).toMatch(/^sk-chorus-[\w-]{32}$/);
    expect(statSync(join(dir, 'api-key')).mode & 0o777).toBe(0o600);
    expect(readApiKey(dir, { required: true })).toEqual(made);
  });

  it('insists on a key that was put there, on loopback too', () => {
    const dir = emptyDir();
    writeFileSync(join(dir, 'api-key'), 'secret\n');
    expect(readApiKey(dir, { required: false })).toEqual({ key: 'secret', file: join(dir, 'api-key') });
  });

  it('refuses an empty key file instead of serving without a guard', () => {
    const dir = emptyDir();
    writeFileSync(join(dir, 'api-key'), '\n');
    expect(() => readApiKey(dir, { required: false })).toThrow('is empty');
  });
});
