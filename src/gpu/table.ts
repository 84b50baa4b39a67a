import type { Finding } from '../domain/gpu.ts';
import { formatBytes, MiB } from '../domain/units.ts';
import { countOf } from '../planner/wording.ts';
import { driverVersionIn } from './driver-version.ts';
import type { NvidiaSmi } from './run-nvidia-smi.ts';

/** A card in the table that nvidia-smi prints for people: the first of its lines, and the memory in the second. */
const CARD =
  /^\|\s+(\d+)\s+(\S.*?)\s+(?:On|Off|N\/A|WDDM|TCC|MCDM)\s+\|\s+[\da-f]{8}:[\da-f]{2}:[\da-f]{2}\.\d\s.*\n(.*)$/gim;
const MEMORY = /\|\s+\d+MiB\s*\/\s*(\d+)MiB\s+\|/;

/**
 * What the table shows where nvidia-smi refuses the list: every driver has it, though it has no compute capability and
 * cuts names short, so that nothing can be planned from it. Null where it shows no card. Never rejects.
 */
export async function readTable(nvidiaSmi: NvidiaSmi): Promise<Finding | null> {
  const outcome = await nvidiaSmi.ask();
  const cards = outcome.kind === 'finished' ? cardsIn(outcome.stdout) : [];
  if (outcome.kind !== 'finished' || cards.length === 0) return null;
  const version = driverVersionIn(outcome.stdout);
  return {
    code: 'list_refused',
    severity: 'error',
    message:
      `The table of nvidia-smi shows ${countOf(cards.length, 'card')} (${cards.join(', ')}), but driver ` +
      `${version ?? 'of unknown version'} refuses to list them for programs.`,
    remedy: 'Update the NVIDIA driver: vLLM needs 580 or newer.',
  };
}

/** `GPU 0: NVIDIA B200, 179.1 GiB`. */
export function cardsIn(table: string): readonly string[] {
  return [...table.matchAll(CARD)].map(([, index = '', name = '', figures = '']) => {
    const total = MEMORY.exec(figures)?.[1];
    return `GPU ${index}: ${name}${total === undefined ? '' : `, ${formatBytes(Number(total) * MiB)}`}`;
  });
}
