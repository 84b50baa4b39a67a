import type { Gpu, GpuProcess } from '../domain/gpu.ts';
import { formatCount } from '../domain/units.ts';

/** `GPU 0 (Tesla T4)`. */
export function gpuLabel(gpu: Pick<Gpu, 'index' | 'name'>): string {
  return `GPU ${gpu.index} (${gpu.name})`;
}

/** A card's name, with its slice where it is one: `NVIDIA H100 80GB HBM3 MIG 3g.40gb`. */
export function seatName({
  name,
  migSlice,
}: {
  readonly name: string;
  readonly migSlice?: string | undefined;
}): string {
  return migSlice === undefined ? name : `${name} MIG ${migSlice}`;
}

/** `other processes`, with their ids where nvidia-smi names them. */
export function otherProcesses({ processes = [] }: Pick<Gpu, 'processes'>): string {
  if (processes.length === 0) return 'other processes';
  return `other processes (pid ${joinWords(processes.map(processName))})`;
}

/** `4711`, or `4711 python3` where the program is known. */
function processName({ pid, name }: GpuProcess): string {
  const program = name?.split(/[/\\]/).at(-1);
  return program === undefined ? String(pid) : `${pid} ${program}`;
}

/** `1 replica`, `4 replicas`. */
export function countOf(count: number, noun: string): string {
  const plural = noun.endsWith('s') ? 'es' : 's';
  return `${formatCount(count)} ${noun}${count === 1 ? '' : plural}`;
}

/** `GPU 3`, `GPUs 0 and 1`, `GPUs 0, 2 and 3`, `GPUs 0 to 7`. Indices come in ascending order. */
export function gpuList(gpus: readonly Pick<Gpu, 'index'>[]): string {
  const indices = gpus.map(({ index }) => index);
  const [first = 0, last = 0] = [indices[0], indices.at(-1)];
  if (indices.length > 2 && last - first === indices.length - 1) return `GPUs ${first} to ${last}`;
  return `GPU${gpus.length === 1 ? '' : 's'} ${joinWords(indices.map(String))}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function joinWords(words: readonly string[], conjunction = 'and'): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} ${conjunction} ${last}`;
}

/** A sentence as it goes on after another. */
export const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** An estimate in three digits, so that it does not look more exact than it is: `1,880,000`. */
export function roughly(count: number): string {
  return formatCount(Number(count.toPrecision(3)));
}
