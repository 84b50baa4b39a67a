import { readFileSync } from 'node:fs';
import type { Gpu, Host, Inventory } from '../../src/domain/gpu.ts';
import type { ModelFolder } from '../../src/domain/model.ts';
import type { Plan } from '../../src/domain/placement.ts';
import { GiB, MiB } from '../../src/domain/units.ts';
import { parseInventory } from '../../src/planner/inventory-file.ts';
import { planPlacement } from '../../src/planner/plan-placement.ts';
import type { PlanRequest } from '../../src/planner/request.ts';

/** A card as nvidia-smi reports it, in MiB: `reservedMiB` is the driver's own share, which is neither used nor free. */
interface CardFigures {
  readonly name: string;
  readonly computeCapability: number;
  readonly totalMiB: number;
  readonly reservedMiB: number;
}

export const CARDS = {
  'rtx-4080': { name: 'NVIDIA GeForce RTX 4080', computeCapability: 8.9, totalMiB: 16376, reservedMiB: 432 },
  'rtx-4090': { name: 'NVIDIA GeForce RTX 4090', computeCapability: 8.9, totalMiB: 24564, reservedMiB: 486 },
  'rtx-5090': { name: 'NVIDIA GeForce RTX 5090', computeCapability: 12.0, totalMiB: 32607, reservedMiB: 500 },
  l4: { name: 'NVIDIA L4', computeCapability: 8.9, totalMiB: 23034, reservedMiB: 450 },
  'a100-40': { name: 'NVIDIA A100-SXM4-40GB', computeCapability: 8.0, totalMiB: 40960, reservedMiB: 605 },
  l40s: { name: 'NVIDIA L40S', computeCapability: 8.9, totalMiB: 46068, reservedMiB: 608 },
  'a100-80': { name: 'NVIDIA A100 80GB PCIe', computeCapability: 8.0, totalMiB: 81920, reservedMiB: 602 },
  h100: { name: 'NVIDIA H100 80GB HBM3', computeCapability: 9.0, totalMiB: 81559, reservedMiB: 478 },
  'rtx-pro-6000': { name: 'NVIDIA RTX PRO 6000', computeCapability: 12.0, totalMiB: 97887, reservedMiB: 637 },
  h200: { name: 'NVIDIA H200', computeCapability: 9.0, totalMiB: 143771, reservedMiB: 613 },
  b200: { name: 'NVIDIA B200', computeCapability: 10.0, totalMiB: 183359, reservedMiB: 700 },
} satisfies Record<string, CardFigures>;

export type CardName = keyof typeof CARDS;

/** One card; `usedMiB` is what other processes hold. */
export function aGpu(card: CardName, { usedMiB = 0, ...overrides }: Partial<Gpu> & { usedMiB?: number } = {}): Gpu {
  const { name, computeCapability, totalMiB, reservedMiB } = CARDS[card];
  const index = overrides.index ?? 0;
  return {
    index,
    uuid: `GPU-${index}`,
    name,
    pciBusId: `00000000:0${index}:00.0`,
    driverVersion: '590.48.01',
    computeCapability,
    totalBytes: totalMiB * MiB,
    usedBytes: usedMiB * MiB,
    freeBytes: (totalMiB - reservedMiB - usedMiB) * MiB,
    migEnabled: false,
    displayActive: false,
    ...overrides,
  };
}

export function gpus(count: number, card: CardName): Gpu[] {
  return Array.from({ length: count }, (_, index) => aGpu(card, { index }));
}

export const HOST: Host = {
  cpuModel: 'AMD EPYC 7763',
  cpuCount: 32,
  hasAmx: false,
  totalBytes: 64 * GiB,
  availableBytes: 60 * GiB,
};

export function aMachine(cards: readonly Gpu[], more: Partial<Inventory> = {}): Inventory {
  return { gpus: cards, host: HOST, findings: [], nvidiaVisible: cards.length > 0, ...more };
}

export const TINY_FOLDER: ModelFolder = {
  path: '/models/tiny-gpt-oss',
  model: 'gpt-oss-20b',
  diskBytes: 105 * MiB,
  layerCount: 4,
  kvBytesPerTokenAndLayer: 512,
  maxContextTokens: 131_072,
  quantised: false,
};

/** A machine of `test/fixtures/inventories`. */
export function inventoryFixture(name: string): Inventory {
  const url = new URL(`../fixtures/inventories/${name}.json`, import.meta.url);
  return parseInventory(readFileSync(url, 'utf8'), `${name}.json`);
}

export const AUTO: PlanRequest = {
  engine: 'gpu',
  model: 'auto',
  replicas: 'auto',
  gpus: null,
  tensorParallel: null,
  contextTokens: null,
  gpuMemoryUtilization: null,
};

export const planFor = (cards: readonly Gpu[], request: Partial<PlanRequest> = {}): Plan =>
  planPlacement(aMachine(cards), { ...AUTO, ...request });

/** `120b 0+1 standard 131072`: the model, the cards, the profile and the context of each replica. */
export const seats = ({ placements }: Plan): string[] =>
  placements.map(({ model, gpus, profile }) =>
    [model.replace('gpt-oss-', ''), gpus.map(({ index }) => index).join('+'), profile.name, profile.maxModelLen].join(
      ' ',
    ),
  );

export const codes = ({ rejections }: Plan): string[] => rejections.map(({ subject, code }) => `${subject}: ${code}`);
