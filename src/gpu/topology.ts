import type { Gpu } from '../domain/gpu.ts';
import type { NvidiaSmi } from './run-nvidia-smi.ts';

/** The heading is underlined, even in a pipe. */
const ANSI = /\u001B\[[\d;]*m/g;
const CARD = /^GPU(\d+)$/;
/** How `nvidia-smi topo -m` names a way between two cards; `X` stands for the card itself. */
const LINK = /^(NV\d+|PIX|PXB|PHB|NODE|SYS)$/;

/** Cards with the ways between them, where there are several and nvidia-smi tells. Never rejects. */
export async function readLinks(nvidiaSmi: NvidiaSmi, gpus: readonly Gpu[]): Promise<readonly Gpu[]> {
  if (gpus.length < 2) return gpus;
  const outcome = await nvidiaSmi.ask('topo', '-m');
  if (outcome.kind !== 'finished' || outcome.exitCode !== 0) return gpus;
  const matrix = parseTopology(outcome.stdout);
  return gpus.map((gpu) => {
    const links = matrix.get(gpu.index);
    return links === undefined ? gpu : { ...gpu, links };
  });
}

/** The matrix of links by the cards' indices; network cards and affinities stand in further columns. */
export function parseTopology(text: string): ReadonlyMap<number, Readonly<Record<number, string>>> {
  const lines = text.replaceAll(ANSI, '').split('\n');
  const rows = lines.map((line) => line.trim().split(/\s+/));
  const heading = rows.find(([first = '', second = '']) => CARD.test(first) && !isCell(second)) ?? [];
  const columns = heading.flatMap((cell) => CARD.exec(cell)?.[1] ?? []).map(Number);
  const matrix = new Map<number, Readonly<Record<number, string>>>();
  for (const [name = '', ...cells] of rows) {
    const index = CARD.exec(name)?.[1];
    if (index === undefined || !isCell(cells[0] ?? '')) continue;
    const links = columns.map((column, position): [number, string] => [column, cells[position] ?? '']);
    matrix.set(Number(index), Object.fromEntries(links.filter(([, link]) => LINK.test(link))));
  }
  return matrix;
}

const isCell = (text: string): boolean => text === 'X' || LINK.test(text);
