import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { detectInventory } from '../../src/gpu/detect-inventory.ts';
import { parseTopology } from '../../src/gpu/topology.ts';
import { FakeMachine } from '../support/fake-nvidia-smi.ts';
import { fakeGpus, fakeLedger } from '../support/gpu-machine/ledger.ts';

const topologyOf = (file: string) =>
  parseTopology(readFileSync(new URL(`../fixtures/nvidia-smi/${file}`, import.meta.url), 'utf8'));

describe('the links between cards', () => {
  it('behind an NVLink switch are the same everywhere; network cards are no cards', () => {
    const matrix = topologyOf('topology-nvswitch.txt');
    expect([...matrix.keys()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(matrix.get(6)).toEqual({ 0: 'NV18', 1: 'NV18', 2: 'NV18', 3: 'NV18', 4: 'NV18', 5: 'NV18', 7: 'NV18' });
  });

  it('go over PCIe where there is no NVLink', () => {
    expect([...topologyOf('topology-pcie-pair.txt')]).toEqual([
      [0, { 1: 'PHB' }],
      [1, { 0: 'PHB' }],
    ]);
  });

  it('are read beside lists of NUMA nodes', () => {
    expect(topologyOf('topology-gb200.txt').get(3)).toEqual({ 0: 'NV18', 1: 'NV18', 2: 'NV18' });
  });

  it.for(['', 'Failed to initialize NVML: Unknown Error', 'GPU0: what?'])('are not known from "%s"', (text) => {
    expect(parseTopology(text).size).toBe(0);
  });
});

describe('on a machine', () => {
  let machine: FakeMachine;
  beforeEach(() => {
    machine = new FakeMachine();
  });
  afterEach(() => machine.remove());
  const linksOn = async (count: number) => {
    machine.installGpus(fakeLedger(fakeGpus(count, 'h100')));
    const { gpus } = await detectInventory({ root: machine.root, env: machine.env(), deadlineMs: 60_000 });
    return gpus.map(({ links }) => links);
  };

  it('they are asked for where there are several cards', async () => {
    expect(await linksOn(2)).toEqual([{ 1: 'NV18' }, { 0: 'NV18' }]);
  });

  it('there are none on one card', async () => {
    expect(await linksOn(1)).toEqual([undefined]);
  });
});
