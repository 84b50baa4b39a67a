import { describe, expect, it } from 'vitest';
import { installerFailure, readInstallerLine } from '../../src/setup/installer-output.ts';

describe('a line of an installer', () => {
  it.each([
    ['Downloading torch (835.9MiB)', 'installing vLLM: downloading torch (835.9 MiB)', 876_504_678],
    [
      '  Downloading vllm-0.32.0-cp38-abi3-manylinux_2_35_x86_64.whl (512.5 MB)',
      'installing vLLM: downloading vllm (512.5 MB)',
      512_500_000,
    ],
    ['Resolved 141 packages in 1.20s', 'installing vLLM: resolved 141 packages in 1.20s', 0],
    ['Collecting torch==2.13.0', 'installing vLLM: collecting torch==2.13.0', 0],
  ])('%s is news', (line, sentence, announcedBytes) => {
    const news = readInstallerLine(line);
    expect(news?.sentence).toBe(sentence);
    expect(Math.round(news?.announcedBytes ?? -1)).toBe(announcedBytes);
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
