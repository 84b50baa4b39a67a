import type { Gpu } from '../domain/gpu.ts';
import type { Rejection } from '../domain/placement.ts';
import { gpuList } from './wording.ts';

/** The cards that a request names, what it leaves out, and the entries that name none or several. */
export interface GpuSelection {
  readonly gpus: readonly Gpu[];
  readonly rejections: readonly Rejection[];
  /** Sentences; any of them means that nothing may be placed. */
  readonly problems: readonly string[];
}

/** Takes indices, UUIDs and beginnings of one UUID (with or without `GPU-`); `null` takes every card. */
export function selectGpus(gpus: readonly Gpu[], wanted: readonly string[] | null): GpuSelection {
  if (wanted === null) return { gpus, rejections: [], problems: [] };
  const found = wanted.map((entry) => ({ entry, matches: gpus.filter((gpu) => isNamed(gpu, entry)) }));
  const problems = found.flatMap(({ entry, matches }) => {
    if (matches.length === 1) return [];
    if (matches.length === 0) return [`--gpus names '${entry}', which no GPU here is: ${present(gpus)}.`];
    return [`--gpus names '${entry}', which may be ${gpuList(matches)}: give more of the UUID, or the index.`];
  });
  const selected = new Set(found.flatMap(({ matches }) => matches));
  const others = gpus.filter((gpu) => !selected.has(gpu));
  return {
    gpus: gpus.filter((gpu) => selected.has(gpu)),
    rejections: others.length === 0 ? [] : [leftOut(others)],
    problems,
  };
}

function isNamed({ index, uuid }: Gpu, entry: string): boolean {
  if (/^\d{1,3}$/.test(entry)) return Number(entry) === index;
  const [id, start] = [uuid.toLowerCase(), entry.toLowerCase()];
  return start !== '' && (id.startsWith(start) || id.startsWith(`gpu-${start}`));
}

const present = (gpus: readonly Gpu[]): string =>
  gpus.length === 0 ? 'there is none' : `there ${gpus.length === 1 ? 'is' : 'are'} ${gpuList(gpus)}`;

const leftOut = (others: readonly Gpu[]): Rejection => ({
  subject: gpuList(others),
  code: 'not_selected',
  reason: 'not among the cards that --gpus names',
  remedy: 'Leave --gpus away to use every card.',
});
