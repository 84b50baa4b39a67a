import { describe, expect, it } from 'vitest';
import { remedyOf } from '../../src/setup/failure.ts';
import { installerFailure, readInstallerLine } from '../../src/setup/installer-output.ts';

describe('a line of an installer', () => {
  it.each([
    ['Downloading torch (835.5MiB)', 835.5 * 1024 * 1024],
    ['  Downloading vllm-0.32.0-cp38-abi3-manylinux_2_35_x86_64.whl (512.5 MB)', 512_500_000],
    ['Downloading numpy-2.3.0.whl (900 kB)', 900_000],
  ])('%s begins a download', (line, sizeBytes) => {
    expect(readInstallerLine(line)).toEqual({ kind: 'download', sizeBytes });
  });

  it.each([
    ['Resolved 141 packages in 1.20s', 'installing vLLM: resolved 141 packages in 1.20s'],
    ['Collecting torch==2.13.0', 'installing vLLM: collecting torch==2.13.0'],
  ])('%s is a step', (line, sentence) => {
    expect(readInstallerLine(line)).toEqual({ kind: 'step', sentence });
  });

  it.each(['', ' Downloaded torch', '  + torch==2.13.0', 'Using cached x.whl (1 kB)'])('%s is not', (line) => {
    expect(readInstallerLine(line)).toBeNull();
  });
});

describe('an installer that fails', () => {
  const code = (...lines: string[]) => installerFailure(['uv', 'pip'], 2, lines).code;

  it('is told by what it says', () => {
    expect(code('error: failed to write', 'No space left on device (os error 28)')).toBe('disk_full');
    expect(code('OSError: [Errno 28] No space left on device')).toBe('disk_full');
    expect(code('The virtual environment was not created: ensurepip is not available.')).toBe('venv_missing');
    expect(code('anything else')).toBe('install_failed');
  });

  it('for want of room is quoted with the file, and with what moves it to another disk', () => {
    const file = '/root/.cache/uv/.tmpw2TPkz/numpy/_core/_multiarray_umath.so';
    const failure = installerFailure(['uv', 'pip', 'install'], 2, [
      'error: Failed to download `numpy==2.4.6`',
      `  cause: failed to write to file \`${file}\`: No space left on device (os error 28)`,
      'Some advice',
    ]);
    expect(failure.message.split('\n')).toEqual([
      'A disk is full while vLLM is installed:',
      `    cause: failed to write to file \`${file}\`: No space left on device (os error 28)`,
      `  ${failure.remedy}`,
    ]);
    expect(failure.remedy).toMatch(/UV_CACHE_DIR.*PIP_CACHE_DIR.*TMPDIR.*--state-dir/);
    expect(remedyOf('disk_full')).not.toContain('TMPDIR');
  });

  it('that says nothing has its remedy all the same', () => {
    expect(installerFailure(['uv'], null, []).message).toMatch(
      /^`uv` did not run: it said nothing\.\n {2}The installer/,
    );
  });

  it('is quoted with its last lines and the variables of an own index', () => {
    const failure = installerFailure(['uv', 'pip', 'install'], 1, ['error: No solution found', 'because of that']);
    expect(failure.message.split('\n')).toEqual([
      '`uv pip install` ended with exit code 1:',
      '    error: No solution found',
      '    because of that',
      '  The installer says what is wrong. An index of your own is named with UV_DEFAULT_INDEX or PIP_INDEX_URL.',
    ]);
  });
});
