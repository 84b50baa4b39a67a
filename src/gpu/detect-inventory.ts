import { join } from 'node:path';
import type { Clock } from '../domain/clock.ts';
import type { Finding, Gpu, Inventory } from '../domain/gpu.ts';
import { systemClock } from '../system/clock.ts';
import { readHost } from './host.ts';
import { evidenceFinding, nvidiaEvidence } from './nvidia-evidence.ts';
import { nvidiaSmiFinding, unreadableFinding } from './nvidia-smi-findings.ts';
import { parseRows } from './nvidia-smi-rows.ts';
import { runNvidiaSmi, type NvidiaSmiOutcome } from './run-nvidia-smi.ts';
import { visibleGpus } from './visible-devices.ts';

export interface DetectOptions {
  readonly clock?: Clock;
  /** Its PATH is where nvidia-smi is looked for. Default: that of this process. */
  readonly env?: Readonly<NodeJS.ProcessEnv>;
  /** The folder that stands for `/` when files are read. Default: `/`. */
  readonly root?: string;
  /** How long nvidia-smi may take; it needs well under a second per card on a healthy machine. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 10_000;
/** Where WSL keeps it, which is not on every PATH. */
const WSL_NVIDIA_SMI = 'usr/lib/wsl/lib/nvidia-smi';

/**
 * Looks at this machine: the GPUs that nvidia-smi lists (whole cards, those that `CUDA_VISIBLE_DEVICES` allows), CPU,
 * RAM, and what is wrong with any of it. Takes at most the deadline, blocks nothing, and never throws for a broken
 * driver: that is a finding.
 */
export async function detectInventory(options: DetectOptions = {}): Promise<Inventory> {
  const { clock = systemClock, env = process.env, root = '/', deadlineMs = DEADLINE_MS } = options;
  const [outcome, evidence, host] = await Promise.all([
    askNvidiaSmi({ clock, env, root, deadlineMs }),
    nvidiaEvidence(root, env),
    readHost(root),
  ]);
  const { gpus: listed, findings: listFindings } = readList(outcome, evidence.length > 0, deadlineMs);
  const { gpus, findings: visibilityFindings } = visibleGpus(listed, env);
  return {
    gpus,
    host,
    findings: [
      ...listFindings,
      ...visibilityFindings,
      ...(listed.length === 0 && evidence.length > 0 ? [evidenceFinding(evidence)] : []),
    ],
    nvidiaVisible: listed.length > 0 || evidence.length > 0,
  };
}

async function askNvidiaSmi({ root, ...call }: Required<DetectOptions>): Promise<NvidiaSmiOutcome> {
  const outcome = await runNvidiaSmi({ file: 'nvidia-smi', ...call });
  return outcome.kind === 'missing' ? runNvidiaSmi({ file: join(root, WSL_NVIDIA_SMI), ...call }) : outcome;
}

/** One lost card makes nvidia-smi fail, but it may have listed the others before. */
function readList(
  outcome: NvidiaSmiOutcome,
  isExpected: boolean,
  deadlineMs: number,
): { readonly gpus: readonly Gpu[]; readonly findings: readonly Finding[] } {
  const failure = nvidiaSmiFinding(outcome, isExpected, deadlineMs);
  const { gpus, unreadable } = parseRows(outcome.kind === 'finished' ? outcome.stdout : '');
  if (failure) return { gpus, findings: [failure] };
  return { gpus, findings: unreadable.length > 0 ? [unreadableFinding(unreadable)] : [] };
}
