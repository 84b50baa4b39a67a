import type { Gpu } from '../domain/gpu.ts';
import type { NvidiaSmi } from './run-nvidia-smi.ts';

/** Since driver 610 it is the "KMD version", and the old name says only that it is deprecated. */
const VERSION = /\b(?:KMD|Driver) version\s*:\s*(\d+(?:\.\d+)+)/i;

/** The driver's version in the words of `nvidia-smi --version` or above its table; null where it is not told. */
export const driverVersionIn = (text: string): string | null => VERSION.exec(text)?.[1] ?? null;

/** The cards with the version of their driver, also where the list does not tell it. Never rejects. */
export async function withDriverVersion(nvidiaSmi: NvidiaSmi, gpus: readonly Gpu[]): Promise<readonly Gpu[]> {
  if (gpus.every(({ driverVersion }) => driverVersion !== null)) return gpus;
  const outcome = await nvidiaSmi.ask('--version');
  const told = outcome.kind === 'finished' ? driverVersionIn(outcome.stdout) : null;
  return gpus.map((gpu) => ({ ...gpu, driverVersion: gpu.driverVersion ?? told }));
}
