import { describe, expect, it } from 'vitest';
import { isPublicBind, readServeOptions } from '../../src/config/options.ts';

describe('readServeOptions', () => {
  it('asks for vLLM on the loopback port of its guide by default', () => {
    expect(readServeOptions({}, { XDG_STATE_HOME: '/var/state' })).toEqual({
      options: {
        engine: 'gpu',
        modelPath: null,
        python: null,
        model: 'auto',
        replicas: null,
        gpus: null,
        tensorParallel: null,
        contextTokens: null,
        gpuMemoryUtilization: null,
        engineArguments: [],
        stateDir: '/var/state/chorus',
        host: '127.0.0.1',
        port: 8000,
        reasoning: 'shown',
        defaultTemperature: 1,
        loadingWaitMs: 300_000,
        drainMs: 30_000,
        retentionMs: 2_592_000_000,
        yes: false,
      },
    });
  });

  it('tells every problem at once, each with its flag', () => {
    const read = readServeOptions(
      { engine: 'magic', replicas: '0', port: 'x', host: 'my host', reasoning: 'loud' },
      {},
    );
    expect(read).toEqual({
      problems: [
        "--engine: 'magic' is unknown. Use auto, gpu, cpu, simulated.",
        "--replicas: '0' is not a whole number from 1 to 64.",
        "--port: 'x' is not a port. Use 1 to 65535, or 0 for any free one.",
        "--host: 'my host' is not an address. Use 127.0.0.1 for this machine, 0.0.0.0 for every interface.",
        "--reasoning: 'loud' is unknown. Use shown or hidden.",
      ],
    });
  });
});

describe('isPublicBind', () => {
  it('is everything that another machine can reach', () => {
    expect(['127.0.0.1', '127.9.9.9', 'localhost', '::1'].map(isPublicBind)).toEqual([false, false, false, false]);
    expect(['0.0.0.0', '::', '10.0.0.1'].map(isPublicBind)).toEqual([true, true, true]);
  });
});
