import type { Gpu } from '../domain/gpu.ts';
import { MiB } from '../domain/units.ts';
import type { NvidiaSmi } from './run-nvidia-smi.ts';

/**
 * The card as its one MIG slice, where this process sees no other card and no other slice, as in a container that was
 * given one: vLLM then finds it without being told. Anything else is the card as it is, which planning refuses.
 */
export async function asOnlySlice(nvidiaSmi: NvidiaSmi, gpu: Gpu, env: Readonly<NodeJS.ProcessEnv>): Promise<Gpu> {
  if (env['CUDA_VISIBLE_DEVICES'] !== undefined) return gpu;
  const list = await nvidiaSmi.ask('-L');
  const names = list.kind === 'finished' ? [...list.stdout.matchAll(/^ +MIG (\S+) +Device +\d+:/gm)] : [];
  const [slice, ...others] = names.map(([, name = '']) => name);
  // A compute instance (`1c.3g.40gb`) shares the memory of its slice with others.
  if (slice === undefined || others.length > 0 || /^\d+c\./.test(slice)) return gpu;
  const details = await nvidiaSmi.ask('-q', '-x');
  const memory = details.kind === 'finished' ? sliceMemory(details.stdout) : null;
  return memory === null ? gpu : { ...gpu, ...memory, migSlice: slice };
}

/** Only the XML report has the size of a slice (DTD v11 to v13 agree on these elements). */
function sliceMemory(xml: string): Pick<Gpu, 'totalBytes' | 'usedBytes' | 'freeBytes'> | null {
  const device = /<mig_device>[\s\S]*?<fb_memory_usage>([\s\S]*?)<\/fb_memory_usage>/.exec(xml)?.[1] ?? '';
  const bytes = (element: string): number | null => {
    const mebibytes = new RegExp(`<${element}>(\\d+) MiB<`).exec(device)?.[1];
    return mebibytes === undefined ? null : Number(mebibytes) * MiB;
  };
  const [totalBytes, usedBytes, freeBytes] = [bytes('total'), bytes('used'), bytes('free')];
  return totalBytes === null || freeBytes === null ? null : { totalBytes, usedBytes, freeBytes };
}
