import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { KeyRing } from '../../src/access/key-ring.ts';
import { planAgain } from '../../src/cli/plan-again.ts';
import { planSetupHere } from '../../src/cli/plan-setup-here.ts';
import { decide } from '../../src/cli/plan.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { Inventory } from '../../src/domain/gpu.ts';
import { parseInventory } from '../../src/planner/inventory-file.ts';
import { runSetup } from '../../src/setup/setup.ts';
import { systemClock } from '../../src/system/clock.ts';
import { FakeHub } from '../support/fake-hub.ts';
import { FakeMachine } from '../support/fake-nvidia-smi.ts';
import { FakeInstallers } from '../support/fake-uv.ts';

const inventory = inventoryOf('rtx-4090.json');
const ALL = { cordoned: [], survivors: [] };

function inventoryOf(name: string): Inventory {
  const file = new URL(`../fixtures/inventories/${name}`, import.meta.url);
  return parseInventory(readFileSync(file, 'utf8'), name);
}

let machine: FakeMachine;
let hub: FakeHub;
let installers: FakeInstallers;

beforeEach(async () => {
  machine = new FakeMachine();
  hub = await FakeHub.start();
  installers = new FakeInstallers(machine);
  const here = machine.env({ HF_ENDPOINT: hub.endpoint, HOME: machine.root });
  for (const [name, value] of Object.entries(here)) vi.stubEnv(name, value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await hub[Symbol.asyncDispose]();
  machine.remove();
});

async function setUp(flags: Readonly<Record<string, string>> = {}) {
  const { options } = await loadConfig({ config: '/dev/null', stateDir: join(machine.root, 'state'), ...flags }, {});
  const logger = { info: () => undefined, warn: () => undefined };
  const deps = { clock: systemClock, logger, environment: process.env, random: Math.random };
  return { options, deps, plan: planAgain({ inventory, isSimulating: false }, deps) };
}

it('asks for a setup first where something is not here, and finds what the setup has brought', async () => {
  const { options, deps, plan } = await setUp();
  await expect(plan(options, ALL)).rejects.toThrow(
    /^Chorus would have to install vLLM .* and download openai\/gpt-oss-20b .* first\. Run `chorus setup` with the same settings, then reload\.$/,
  );
  expect(installers.calls.filter((call) => call.includes('install'))).toEqual([]);
  const setup = await planSetupHere({ engine: 'gpu', model: 'gpt-oss-20b', options, inventory });
  const source = await runSetup(setup, deps, { signal: new AbortController().signal, onProgress: () => undefined });
  expect((await plan(options, ALL)).source).toEqual(source);
});

it('asks nothing where somebody vouches for both', async () => {
  const { options, plan } = await setUp({ python: '/venv/bin/python', engine: 'simulated' });
  expect(await plan(options, ALL)).toMatchObject({
    source: { python: '/venv/bin/python', modelPath: null },
    plan: { model: 'gpt-oss-20b', placements: [{ kind: 'simulated' }, { kind: 'simulated' }] },
  });
});

it('leaves a card out that is out of use, and refuses where none is left', async () => {
  const { options, plan } = await setUp();
  const [gpu] = inventory.gpus;
  const cordoned = {
    uuid: gpu?.uuid ?? '',
    index: 0,
    code: 'xid_79',
    reason: 'has fallen off the bus (Xid 79)',
    sentence: '',
    remedy: 'Restart the machine.',
    action: 'cordon',
    sinceMs: 0,
    hasRecovered: false,
  } as const;
  await expect(plan(options, { cordoned: [cordoned], survivors: [] })).rejects.toThrow(
    'has fallen off the bus (Xid 79)',
  );
});

it('simulates nothing unasked where a named key is, and goes on to simulate where it does already', async () => {
  const noGpu = inventoryOf('no-gpu.json');
  const { options, deps } = await setUp({ engine: 'auto' });
  const simulated = { plan: { placements: [{ kind: 'simulated' }, { kind: 'simulated' }] } };
  expect(await decide(noGpu, options)).toMatchObject({ decision: { kind: 'simulated' } });

  mkdirSync(options.stateDir);
  const keys = new KeyRing({ stateDir: options.stateDir, clock: systemClock });
  await keys.create({ name: 'service' });
  await keys.close();

  const refusal = /^No usable GPU, and a named key is configured, so a real server is meant/;
  expect(await decide(noGpu, options)).toMatchObject({ decision: { refusal: expect.stringMatching(refusal) } });
  expect(await decide(noGpu, { ...options, engine: 'simulated' })).toMatchObject({ decision: { kind: 'simulated' } });
  await expect(planAgain({ inventory: noGpu, isSimulating: false }, deps)(options, ALL)).rejects.toThrow(refusal);
  expect(await planAgain({ inventory: noGpu, isSimulating: true }, deps)(options, ALL)).toMatchObject(simulated);
});
