import type { Gpu, GpuProcess } from '../domain/gpu.ts';
import { csvRow, linesOf } from './csv-cells.ts';
import { listQuestion, type NvidiaSmi } from './run-nvidia-smi.ts';

/** Without the program's name, which may contain commas. */
const FIELDS: readonly string[] = ['gpu_uuid', 'pid', 'used_gpu_memory'];

/** The cards with the processes that compute on them. What nvidia-smi does not tell is left away. */
export async function readProcesses(nvidiaSmi: NvidiaSmi, gpus: readonly Gpu[]): Promise<readonly Gpu[]> {
  const outcome = await nvidiaSmi.ask(...listQuestion('compute-apps', FIELDS));
  if (outcome.kind !== 'finished' || outcome.exitCode !== 0) return gpus;
  const rows = linesOf(outcome.stdout).flatMap((line) => csvRow(line, FIELDS) ?? []);
  return gpus.map((gpu) => {
    const processes = rows
      .filter(({ text }) => text('gpu_uuid') === gpu.uuid)
      .flatMap(({ figure, bytes }): GpuProcess[] => {
        const pid = figure('pid');
        return pid === null ? [] : [{ pid, usedBytes: bytes('used_gpu_memory') }];
      });
    return processes.length === 0 ? gpu : { ...gpu, processes };
  });
}
