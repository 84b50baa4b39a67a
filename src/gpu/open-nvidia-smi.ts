import { join } from 'node:path';
import type { Clock } from '../domain/clock.ts';
import { NvidiaSmi, type NvidiaSmiOutcome } from './run-nvidia-smi.ts';

/** Where and for how long nvidia-smi is asked. */
export interface NvidiaSmiPlace {
  readonly clock: Clock;
  /** Its PATH is where nvidia-smi is looked for. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The folder that stands for `/` when files are read. */
  readonly root: string;
  /** For all questions together. */
  readonly deadlineMs: number;
}

/** How long nvidia-smi may take while engines run: the driver is awake, and it needs well under a second per card. */
export const NVIDIA_SMI_DEADLINE_MS = 10_000;

/** Where WSL keeps it, which is not on every PATH. */
const WSL_NVIDIA_SMI = 'usr/lib/wsl/lib/nvidia-smi';

/** The nvidia-smi that works here, for further questions, and its answer to the first. */
export interface OpenedNvidiaSmi {
  readonly nvidiaSmi: NvidiaSmi;
  readonly outcome: NvidiaSmiOutcome;
}

/** Asks the nvidia-smi on the PATH, and where that does not answer the one of WSL. Never rejects. */
export async function openNvidiaSmi(
  { root, ...options }: NvidiaSmiPlace,
  question: readonly string[],
): Promise<OpenedNvidiaSmi> {
  const ask = async (file: string): Promise<OpenedNvidiaSmi> => {
    const nvidiaSmi = new NvidiaSmi(file, options);
    return { nvidiaSmi, outcome: await nvidiaSmi.ask(...question) };
  };
  const answer = await ask('nvidia-smi');
  if (isAnswer(answer.outcome)) return answer;
  // A Linux driver in WSL puts an nvidia-smi on the PATH that cannot work there.
  const underWsl = await ask(join(root, WSL_NVIDIA_SMI));
  return underWsl.outcome.kind === 'missing' ? answer : underWsl;
}

const isAnswer = (outcome: NvidiaSmiOutcome): boolean =>
  outcome.kind === 'hung' || (outcome.kind === 'finished' && outcome.exitCode === 0);
