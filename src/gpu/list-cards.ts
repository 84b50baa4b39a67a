import type { Finding, Gpu } from '../domain/gpu.ts';
import { askList } from './ask-list.ts';
import { nvidiaSmiFinding, unreadableFinding } from './nvidia-smi-findings.ts';
import { QUERY_FIELDS, readGpu } from './nvidia-smi-rows.ts';
import type { NvidiaSmi, NvidiaSmiOutcome } from './run-nvidia-smi.ts';
import { readTable } from './table.ts';

/** Failures of the list alone: nvidia-smi itself works. */
const REFUSALS = new Set(['unknown_field', 'nvidia_smi_failed']);

interface Expectation {
  /** Something of NVIDIA is visible on this machine. */
  readonly isExpected: boolean;
  readonly deadlineMs: number;
}

/** The cards that nvidia-smi lists, and what was wrong with its answer; `outcome` is the one to `QUERY_FIELDS`. */
export async function listCards(
  nvidiaSmi: NvidiaSmi,
  outcome: NvidiaSmiOutcome,
  { isExpected, deadlineMs }: Expectation,
): Promise<{ readonly gpus: readonly Gpu[]; readonly findings: readonly Finding[] }> {
  const answer = await askList(nvidiaSmi, QUERY_FIELDS, outcome);
  const read = answer.rows.map((row) => readGpu(row) ?? row.line);
  // One lost card makes nvidia-smi fail, but it may have listed the others before.
  const gpus = read.filter((card) => typeof card !== 'string');
  const failure = nvidiaSmiFinding(answer.outcome, isExpected, deadlineMs);
  if (failure !== null) {
    const isRefusal = gpus.length === 0 && REFUSALS.has(failure.code);
    return { gpus, findings: [(isRefusal ? await readTable(nvidiaSmi) : null) ?? failure] };
  }
  const unreadable = [...answer.unreadable, ...read.filter((card) => typeof card === 'string')];
  return { gpus, findings: unreadable.length > 0 ? [unreadableFinding(unreadable)] : [] };
}
