import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../src/sim/command-line.ts';

const DEFAULTS = {
  model: 'openai/gpt-oss-20b',
  servedNames: ['openai/gpt-oss-20b'],
  listen: { host: '127.0.0.1', port: 8000 },
  maxModelLen: 131_072,
  scaleOut: false,
  promptTokensDetails: false,
  shutdownTimeoutMs: 0,
  gpuMemoryUtilization: 0.92,
  retentionTokens: 0,
  startupMs: 200,
  tokenIntervalMs: 5,
  crashBeforeReady: false,
  crashAfterTokens: null,
  hangAfterTokens: null,
  ignoreTerm: false,
  hasProcesses: false,
  faultFolder: null,
};

describe('the command line', () => {
  it('is read as the vllm command and as its server module', () => {
    const expected = { kind: 'options', options: { ...DEFAULTS, model: '/m', servedNames: ['/m'] } };
    expect(parseCommandLine(['serve', '/m'])).toEqual(expected);
    expect(parseCommandLine(['--model', '/m'])).toEqual(expected);
  });

  it('takes values after a space, after =, and several names', () => {
    const args = ['serve', 'm', '--served-model-name', 'a', 'b', '--uds=/tmp/s', '--max-model-len', '4096'];
    const more = ['--enable-scale-out', '--shutdown-timeout', '10', '--sim-crash-after-tokens', '3'];
    expect(parseCommandLine([...args, ...more])).toEqual({
      kind: 'options',
      options: {
        ...DEFAULTS,
        model: 'm',
        servedNames: ['a', 'b'],
        listen: { socketPath: '/tmp/s' },
        maxModelLen: 4096,
        scaleOut: true,
        shutdownTimeoutMs: 10_000,
        crashAfterTokens: 3,
      },
    });
  });

  it.each([
    [['serve', 'm', '--nope-flag'], 'vllm: error: unrecognized arguments: --nope-flag'],
    [
      ['--model', 'm', '--nope-flag', '3', '--other'],
      'api_server.py: error: unrecognized arguments: --nope-flag --other',
    ],
    [
      ['serve', 'm', '--max-model-len', 'abc'],
      "vllm serve: error: argument --max-model-len: invalid human_readable_int_or_auto value: 'abc'",
    ],
    [['serve', 'm', '--port', 'x'], "vllm serve: error: argument --port: invalid int value: 'x'"],
  ])('%j is refused as vLLM refuses it', (args, message) => {
    expect(parseCommandLine(args)).toEqual({ kind: 'refused', message });
  });
});
