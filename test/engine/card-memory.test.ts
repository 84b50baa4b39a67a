import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { GpuMemory } from '../../src/domain/gpu.ts';
import type { Placement } from '../../src/domain/placement.ts';
import { GiB } from '../../src/domain/units.ts';
import { CardMemory } from '../../src/engine/card-memory.ts';
import type { EngineEvent } from '../../src/engine/engine-state.ts';
import { DEFAULT_POLICY } from '../../src/engine/policy.ts';
import { FakeClock } from '../support/fake-clock.ts';

const TOTAL_GIB = 80;
const ENGINE = { pid: 7, usedBytes: 72 * GiB, name: 'VLLM::Worker' };
const placement: Placement = {
  engineId: 'e0',
  kind: 'gpu',
  model: 'gpt-oss-20b',
  gpus: [{ index: 0, uuid: 'GPU-0', name: 'NVIDIA H100' }],
  profile: { name: 'standard', maxModelLen: 131_072, gpuMemoryUtilization: 0.9 },
};

let clock: FakeClock;
let memory: CardMemory;
let card: GpuMemory | null;
let looks: number;
/** How long nvidia-smi takes. */
let lookMs: number;

beforeEach(() => {
  clock = new FakeClock();
  looks = 0;
  lookMs = 0;
  memory = new CardMemory(
    placement,
    async () => {
      looks++;
      clock.advance(lookMs);
      return card && [card, { ...card, uuid: 'GPU-1' }];
    },
    clock,
    DEFAULT_POLICY,
  );
});

const holding = (usedGiB: number, ...processes: GpuMemory['processes']): GpuMemory => ({
  uuid: 'GPU-0',
  usedBytes: usedGiB * GiB,
  freeBytes: (TOTAL_GIB - usedGiB) * GiB,
  processes,
});

/** Waits for the card; `change` is called before each look after the first. */
async function untilFree(change: (look: number) => void = () => {}): Promise<EngineEvent> {
  const answered = new AbortController();
  const event = memory.untilFree(new AbortController().signal).finally(() => answered.abort());
  while (!answered.signal.aborted) {
    await setImmediate();
    if (clock.pendingTimers === 0) continue;
    change(looks);
    clock.advance(DEFAULT_POLICY.memoryPollMs);
  }
  return event;
}

describe('the cards of an engine before its first start', () => {
  it('are free at once where its share is', async () => {
    card = holding(1);
    expect(await untilFree()).toEqual({ kind: 'memory_free' });
    expect(looks).toBe(1);
  });

  it('are waited for where it is not, and then who holds them is named', async () => {
    card = holding(73, ENGINE);
    const startedMs = clock.monotonicMs();
    expect(await untilFree()).toEqual({
      kind: 'memory_held',
      failure: {
        code: 'gpu_busy',
        message: "73.0 GiB of its card's memory are held by VLLM::Worker (pid 7)",
        remedy: 'End that process, or leave the card out; the engine starts once the memory is free.',
        retry: 'patiently',
      },
    });
    expect(clock.monotonicMs() - startedMs).toBe(DEFAULT_POLICY.memoryDeadlineMs);
  });

  it('are not waited for where nobody can tell', async () => {
    card = null;
    expect(await untilFree()).toEqual({ kind: 'memory_free' });
  });
});

describe('the cards of an engine before a restart', () => {
  beforeEach(async () => {
    card = holding(1);
    await untilFree();
    looks = 0;
  });

  it('are free once the driver has given back all, for two looks in a row', async () => {
    card = holding(73);
    const event = await untilFree((look) => {
      card = holding(look < 5 ? 73 : 1.4);
    });
    expect([event, looks]).toEqual([{ kind: 'memory_free' }, 7]);
  });

  it('are free although nvidia-smi takes longer for one look than there is time', async () => {
    card = holding(1.4);
    lookMs = 2 * DEFAULT_POLICY.memoryDeadlineMs;
    expect([await untilFree(), looks]).toEqual([{ kind: 'memory_free' }, 2]);
  });

  it('are held by what does not go, and a process that no one sees is called so', async () => {
    card = holding(73);
    expect(await untilFree()).toMatchObject({
      failure: { message: "73.0 GiB of its card's memory are held by a process that nvidia-smi does not name here" },
    });
  });

  it('serve although somebody has come, once it is certain that they leave room enough', async () => {
    card = holding(3, { pid: 9, usedBytes: 2 * GiB });
    expect([await untilFree(), looks]).toEqual([{ kind: 'memory_free' }, 10]);
  });
});
