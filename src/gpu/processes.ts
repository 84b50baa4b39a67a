import type { Gpu, GpuProcess } from '../domain/gpu.ts';
import { csvRow, linesOf } from './csv-cells.ts';
import { listQuestion, type NvidiaSmi } from './run-nvidia-smi.ts';

/** The program's name comes last because it may contain commas. */
const FIELDS: readonly string[] = ['gpu_uuid', 'pid', 'used_gpu_memory', 'process_name'];

/** The processes that compute on each card, by its UUID; empty where nvidia-smi does not tell. */
export async function listProcesses(nvidiaSmi: NvidiaSmi): Promise<ReadonlyMap<string, readonly GpuProcess[]>> {
  const outcome = await nvidiaSmi.ask(...listQuestion('compute-apps', FIELDS));
  if (outcome.kind !== 'finished' || outcome.exitCode !== 0) return new Map();
  const found = linesOf(outcome.stdout).flatMap((line) => readProcess(line) ?? []);
  const byCard = Map.groupBy(found, ({ uuid }) => uuid);
  return new Map([...byCard].map(([uuid, entries]) => [uuid, entries.map(({ process }) => process)]));
}

function readProcess(line: string): { readonly uuid: string; readonly process: GpuProcess } | null {
  const row = csvRow(line, FIELDS, { isLastFree: true });
  const uuid = row?.text('gpu_uuid') ?? null;
  const pid = row?.figure('pid') ?? null;
  if (row === null || uuid === null || pid === null) return null;
  const name = row.text('process_name');
  return { uuid, process: { pid, usedBytes: row.bytes('used_gpu_memory'), ...(name === null ? {} : { name }) } };
}

/** The cards with the processes that compute on them. What nvidia-smi does not tell is left away. */
export async function readProcesses(nvidiaSmi: NvidiaSmi, gpus: readonly Gpu[]): Promise<readonly Gpu[]> {
  const byCard = await listProcesses(nvidiaSmi);
  return gpus.map((gpu) => {
    const processes = byCard.get(gpu.uuid);
    return processes === undefined ? gpu : { ...gpu, processes };
  });
}
