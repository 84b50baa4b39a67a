import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { findParentDeathGuard, guarded } from '../../src/system/parent-death.ts';

const PATH = process.env['PATH'] ?? '';

describe('a program that ends with its parent', () => {
  it('is started by setpriv, with its own words and exit code', async () => {
    const guard = await findParentDeathGuard(PATH);
    const { file, args } = guarded(guard, 'sh', ['-c', 'echo $0 "$1"', 'a b', '--c'], PATH);
    expect([file, args.slice(0, 4)]).toEqual([guard?.setpriv, ['--pdeathsig', 'TERM', '--', 'sh']]);
    expect(execFileSync(file, args, { encoding: 'utf8' })).toBe('a b --c\n');
  });

  it('is started without where there is no setpriv', async () => {
    expect(await findParentDeathGuard('/nowhere')).toBeNull();
    expect(guarded(null, 'vllm', ['serve'], PATH)).toEqual({ file: 'vllm', args: ['serve'] });
  });

  it('is left alone when it cannot be found, so that the system says so', () => {
    const guard = { setpriv: '/usr/bin/setpriv' };
    expect(guarded(guard, '/nowhere/vllm', ['serve'], PATH)).toEqual({ file: '/nowhere/vllm', args: ['serve'] });
    expect(guarded(guard, 'no-such-program', [], PATH)).toEqual({ file: 'no-such-program', args: [] });
  });
});
