import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type KnownFlags, learnKnownFlags } from '../../src/engine/known-flags.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chorus-flags-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const PRINTS_FLAGS = `echo 'INFO some noise'; echo 'CHORUS-FLAGS ["--uds", "--enable-scale-out"]'`;

/** A `python` that answers the two questions: which build, and which flags. It counts the second. */
function installPython(build: string, flagsAnswer: string): string {
  const python = join(folder, 'python3');
  writeFileSync(
    python,
    `#!/bin/sh
case "$2" in
*importlib.metadata*) echo '${build}' ;;
*) echo asked >> ${folder}/asked; ${flagsAnswer} ;;
esac
`,
  );
  chmodSync(python, 0o755);
  return python;
}

const timesAsked = (): number => {
  try {
    return readFileSync(join(folder, 'asked'), 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
};

function learn(python: string, signal = new AbortController().signal): Promise<KnownFlags> {
  return learnKnownFlags({ python, stateDir: join(folder, 'state') }, signal);
}

describe('the options of the installed vLLM', () => {
  it('come from its parser once, and then from the state directory', async () => {
    const python = installPython('vllm-0.32.0', PRINTS_FLAGS);
    const expected = { flags: new Set(['--uds', '--enable-scale-out']) };
    expect([await learn(python), await learn(python)]).toEqual([expected, expected]);
    expect(timesAsked()).toBe(1);
  });

  it('are asked again for another version', async () => {
    await learn(installPython('vllm-0.32.0', PRINTS_FLAGS));
    await learn(installPython('vllm-0.33.0+cu130', PRINTS_FLAGS));
    expect(timesAsked()).toBe(2);
  });

  it('are asked again where the state directory holds half of them', async () => {
    const python = installPython('vllm-0.32.0', PRINTS_FLAGS);
    await learn(python);
    writeFileSync(join(folder, 'state', 'known-flags', 'vllm-0.32.0.json'), '["--uds", "--ena');
    expect(await learn(python)).toEqual({ flags: new Set(['--uds', '--enable-scale-out']) });
  });

  it('are unknown, with the reason, when vLLM is not there or cannot tell', async () => {
    expect(await learn(join(folder, 'none'))).toEqual({
      flags: null,
      reason: expect.stringContaining('ENOENT') as string,
    });
    const python = installPython('', PRINTS_FLAGS);
    expect(await learn(python)).toEqual({ flags: null, reason: `${python} has no vLLM installed` });
    expect(await learn(installPython('vllm-0.32.0', 'echo "ImportError: no cli_args" >&2; exit 1'))).toEqual({
      flags: null,
      reason: 'ImportError: no cli_args',
    });
    expect(await learn(installPython('vllm-0.32.0', 'echo nothing'))).toEqual({
      flags: null,
      reason: 'vLLM did not list its options',
    });
  });

  it('are not waited for when nobody wants them any more', async () => {
    const unwanted = new AbortController();
    const answer = learn(installPython('vllm-0.32.0', 'exec sleep 60'), unwanted.signal);
    unwanted.abort();
    expect((await answer).flags).toBeNull();
  });
});
