import { describe, expect, it } from 'vitest';
import { chooseEngine } from '../../src/planner/choose-engine.ts';
import { aGpu, aMachine } from './machines.ts';

const PRIVATE = { hasNamedKey: false, isPublicBind: false };
const H100 = aMachine([aGpu('h100')]);
const T4 = aMachine([aGpu('rtx-4090', { name: 'Tesla T4', computeCapability: 7.5 })]);
const BARE = aMachine([]);
const BROKEN_DRIVER = aMachine([], {
  nvidiaVisible: true,
  findings: [
    { code: 'driver_not_loaded', severity: 'error', message: 'The driver is not loaded.', remedy: 'Load it.' },
    { code: 'hidden_by_environment', severity: 'info', message: 'Some are hidden.', remedy: 'Show them.' },
  ],
});

const WITHOUT_GPU = "To try Chorus without one: --engine simulated, or --engine cpu for vLLM's CPU build.";
const T4_REASON =
  'GPU 0 (Tesla T4): compute capability 7.5; bf16 and the MXFP4 kernels of vLLM need 8.0 (Ampere, 2020) or newer. No ' +
  'setting changes this: use a newer card, such as an L4, an RTX 3090 or an A100.';

describe('a usable GPU', () => {
  it.for(['gpu', 'auto'] as const)('is used with --engine %s', (flag) => {
    const expected = { kind: 'gpu', reasons: ['vLLM can use 1 of 1 GPU.'] };
    expect(chooseEngine(flag, H100, PRIVATE)).toEqual(expected);
    expect(chooseEngine(flag, H100, { hasNamedKey: true, isPublicBind: true })).toEqual(expected);
  });

  it.for(['cpu', 'simulated'] as const)('is left alone with --engine %s', (flag) => {
    expect(chooseEngine(flag, H100, PRIVATE)).toEqual({ kind: flag, reasons: [`--engine ${flag} was given.`] });
  });
});

describe('--engine gpu without a usable GPU', () => {
  it('is refused with the reason of each card', () => {
    expect(chooseEngine('gpu', T4, PRIVATE)).toEqual({
      refusal: `No usable GPU. ${WITHOUT_GPU}`,
      reasons: [T4_REASON],
    });
  });

  it('is refused with what is wrong with the driver', () => {
    expect(chooseEngine('gpu', BROKEN_DRIVER, PRIVATE)).toEqual({
      refusal: `No usable GPU. ${WITHOUT_GPU}`,
      reasons: ['The driver is not loaded. Load it.'],
    });
  });

  it('never simulates, even on a machine without anything of NVIDIA', () => {
    expect(chooseEngine('gpu', BARE, PRIVATE)).toEqual({ refusal: `No usable GPU. ${WITHOUT_GPU}`, reasons: [] });
  });
});

describe('--engine auto without a usable GPU', () => {
  it('simulates where nothing but a trial can be meant', () => {
    expect(chooseEngine('auto', BARE, PRIVATE)).toEqual({
      kind: 'simulated',
      reasons: ['Nothing of NVIDIA is visible here, so the simulator answers.'],
    });
  });

  const unasked = 'nothing is simulated unasked';
  it.for([
    ['an unusable card', T4, PRIVATE, `, but something of NVIDIA is visible, so a real server is meant and ${unasked}`],
    [
      'a trace of NVIDIA',
      BROKEN_DRIVER,
      PRIVATE,
      `, but something of NVIDIA is visible, so a real server is meant and ${unasked}`,
    ],
    [
      'a named key',
      BARE,
      { ...PRIVATE, hasNamedKey: true },
      `, and a named key is configured, so a real server is meant and ${unasked}`,
    ],
    ['a public address', BARE, { ...PRIVATE, isPublicBind: true }, `, and the address is public, where ${unasked}`],
  ] as const)('is refused with %s', ([, machine, policy, obstacle]) => {
    expect(chooseEngine('auto', machine, policy)).toMatchObject({
      refusal: `No usable GPU${obstacle}. ${WITHOUT_GPU}`,
    });
  });
});
