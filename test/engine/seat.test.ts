import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Placement } from '../../src/domain/placement.ts';
import { readFits, writeFit } from '../../src/engine/fit-memory.ts';
import { Seat } from '../../src/engine/seat.ts';
import { adaptProfile } from '../../src/planner/adapt.ts';

const planned = (name = 'H100', engineId = 'e0'): Placement => ({
  engineId,
  kind: 'gpu',
  model: 'gpt-oss-120b',
  gpus: [{ index: 0, uuid: 'GPU-0', name }],
  profile: { name: 'tight', maxModelLen: 131_072, gpuMemoryUtilization: 0.95 },
});
const MEMORY = {
  budgetBytes: 80e9,
  weightBytes: 70e9,
  runtimeBytes: 8e9,
  kvCacheBytes: 2e9,
  kvCacheTokens: 50_000,
  concurrentRequests: 6,
};
const failure = (code: string, message: string) => ({ code, message, remedy: 'Use less.', retry: 'never' }) as const;
const TOO_LONG = failure(
  'context_too_long',
  'To serve at least one request … the estimated maximum model length is 90112.',
);

describe('a seat', () => {
  it("tries a context that is too long once more with the next one below vLLM's estimate", () => {
    const seat = new Seat(planned(), adaptProfile);
    expect(seat.revise(TOO_LONG)).toEqual({
      code: 'context_too_long',
      message: `${TOO_LONG.message} It is tried once more with a context of 65,536 tokens and 0.95 of the card's memory`,
      remedy: 'Use less.',
      retry: 'at_once',
    });
    expect(seat.placement.profile).toMatchObject({ name: 'adapted', maxModelLen: 65_536 });
    expect(seat.revise(TOO_LONG)).toBe(TOO_LONG);
  });

  it('leaves other failures and what nothing can be taken from as they are', () => {
    const seat = new Seat(planned(), () => null);
    const busy = failure('gpu_busy', 'Free memory on device …');
    expect([seat.revise(busy), seat.revise(TOO_LONG)]).toEqual([busy, TOO_LONG]);
    expect(seat.isAdapted).toBe(false);
  });

  it('takes over what works on the same cards, and nothing from others', () => {
    const learned = new Seat(planned(), adaptProfile);
    learned.revise(TOO_LONG);
    const [same, other] = [
      new Seat(planned('H100', 'e1'), adaptProfile),
      new Seat(planned('L40S', 'e2'), adaptProfile),
    ];
    same.adopt(learned.placement);
    other.adopt(learned.placement);
    expect(same.placement).toEqual({ ...planned('H100', 'e1'), profile: learned.placement.profile });
    expect(other.placement).toEqual(planned('L40S', 'e2'));
  });
});

it('what fitted is read by the next process, the last word on such cards first', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'chorus-fits-'));
  const fitted = (name: string, maxModelLen: number): Placement => ({
    ...planned(name),
    profile: { name: 'adapted', maxModelLen },
    memory: MEMORY,
  });
  expect(readFits(stateDir)).toEqual([]);
  for (const [name, context] of [
    ['H100', 65_536],
    ['L40S', 8192],
    ['H100', 32_768],
  ] as const) {
    writeFit(stateDir, fitted(name, context));
  }
  const fit = (gpuName: string, maxModelLen: number): object => ({
    gpuName,
    cardCount: 1,
    model: 'gpt-oss-120b',
    weightBytes: MEMORY.weightBytes,
    profile: { name: 'adapted', maxModelLen },
  });
  expect(readFits(stateDir)).toEqual([fit('H100', 32_768), fit('L40S', 8192)]);
  writeFileSync(join(stateDir, 'fits.json'), '[{"gpuName":3}]');
  expect(readFits(stateDir)).toEqual([]);
  writeFileSync(join(stateDir, 'fits.json'), JSON.stringify([fit('H100', 1)]));
  expect(readFits(stateDir)).toEqual([]);
  rmSync(stateDir, { recursive: true });
});
