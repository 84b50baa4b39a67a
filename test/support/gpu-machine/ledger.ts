import type { GpuLedger, LedgerGpu } from '../../../src/sim/gpu-ledger.ts';

/** A card of the fake machine. */
export interface FakeGpu extends LedgerGpu {
  readonly name: string;
  readonly computeCapability: string;
  /** Any field of `--query-gpu`, as the driver would print it with `nounits`; wins over what follows from the rest. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly migSlices?: readonly { readonly name: string; readonly totalMiB: number; readonly usedMiB: number }[];
}

/** How the fake nvidia-smi goes wrong. */
export interface Misbehaviour {
  /** It never answers. */
  readonly hangs?: boolean;
  /** It prints this and ends with `exitCode`, whatever it is asked. */
  readonly text?: string;
  readonly exitCode?: number;
  /** A line among the rows of every list. */
  readonly garbageRow?: string;
  /** Cards that it no longer lists, by index. */
  readonly vanished?: readonly number[];
  /** Fields of `--query-gpu` that this driver does not know. */
  readonly unknownFields?: readonly string[];
}

/** What the ledger file holds for the fake nvidia-smi, beside what simulated engines book in it. */
export interface FakeMachineLedger extends GpuLedger {
  readonly driverVersion: string;
  readonly gpus: readonly FakeGpu[];
  readonly misbehaviour?: Misbehaviour;
}

/** Cards as their nvidia-smi describes them (MiB). */
const KINDS = {
  h100: { name: 'NVIDIA H100 80GB HBM3', computeCapability: '9.0', totalMiB: 81559, reservedMiB: 478 },
  h200: { name: 'NVIDIA H200', computeCapability: '9.0', totalMiB: 143771, reservedMiB: 613 },
  l4: { name: 'NVIDIA L4', computeCapability: '8.9', totalMiB: 23034, reservedMiB: 450 },
} as const;

/** `count` idle cards of one kind. */
export function fakeGpus(count: number, kind: keyof typeof KINDS): FakeGpu[] {
  return Array.from({ length: count }, (_, index) => ({ uuid: `GPU-0000000${index}-fake`, ...KINDS[kind] }));
}

/** A machine with these cards and a recent driver. */
export function fakeLedger(gpus: readonly FakeGpu[], more: Partial<FakeMachineLedger> = {}): FakeMachineLedger {
  return { driverVersion: '590.48.01', gpus, bookings: [], ...more };
}
