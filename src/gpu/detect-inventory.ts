import type { Clock } from '../domain/clock.ts';
import type { Gpu, Host, Inventory } from '../domain/gpu.ts';
import { systemClock } from '../system/clock.ts';
import { withDriverVersion } from './driver-version.ts';
import { readHealth, type Health } from './health.ts';
import { readHost } from './host.ts';
import { listCards } from './list-cards.ts';
import { asOnlySlice } from './mig-slice.ts';
import { evidenceFinding, nvidiaEvidence } from './nvidia-evidence.ts';
import { QUERY_FIELDS } from './nvidia-smi-rows.ts';
import { crossCheckCards } from './pci-cards.ts';
import { nvidiaPciDevices } from './pci-devices.ts';
import { readProcesses } from './processes.ts';
import { openNvidiaSmi } from './open-nvidia-smi.ts';
import { listQuestion, type NvidiaSmi } from './run-nvidia-smi.ts';
import { readLinks } from './topology.ts';
import { withHostMemory } from './unified-memory.ts';
import { visibleGpus } from './visible-devices.ts';

/**
 * Without persistence mode the driver wakes all cards for each question, in 1 to 3 seconds each (NVIDIA's driver
 * persistence documentation); on eight of them half a minute is no hang.
 */
const DETECTION_DEADLINE_MS = 60_000;

export interface DetectOptions {
  readonly clock?: Clock;
  /** Its PATH is where nvidia-smi is looked for. Default: that of this process. */
  readonly env?: Readonly<NodeJS.ProcessEnv>;
  /** The folder that stands for `/` when files are read. Default: `/`. */
  readonly root?: string;
  /** How long nvidia-smi may take for all its answers together. Default: a minute. */
  readonly deadlineMs?: number;
}

/**
 * Looks at this machine: the GPUs that nvidia-smi lists (whole cards, those that `CUDA_VISIBLE_DEVICES` allows), CPU,
 * RAM, and what is wrong with any of it. Takes at most the deadline, blocks nothing, and never throws for a broken
 * driver: that is a finding.
 */
export async function detectInventory(options: DetectOptions = {}): Promise<Inventory> {
  const { clock = systemClock, env = process.env, root = '/', deadlineMs = DETECTION_DEADLINE_MS } = options;
  const [{ nvidiaSmi, outcome }, pciDevices, host] = await Promise.all([
    openNvidiaSmi({ clock, env, root, deadlineMs }, listQuestion('gpu', QUERY_FIELDS)),
    nvidiaPciDevices(root),
    readHost(root),
  ]);
  const evidence = await nvidiaEvidence(root, env, pciDevices);
  const isExpected = evidence.length > 0;
  const { gpus: listed, findings: listFindings } = await listCards(nvidiaSmi, outcome, { isExpected, deadlineMs });
  const { gpus: visible, findings: visibilityFindings } = visibleGpus(listed, env);
  const [{ gpus, findings: healthFindings }, crossCheck] = await Promise.all([
    lookCloser(nvidiaSmi, visible, { host, env }),
    crossCheckCards(root, env, listed, pciDevices),
  ]);
  return {
    gpus,
    host,
    findings: [
      ...listFindings,
      ...visibilityFindings,
      ...healthFindings,
      ...crossCheck,
      ...(listed.length === 0 && evidence.length > 0 ? [evidenceFinding(evidence)] : []),
    ],
    nvidiaVisible: listed.length > 0 || evidence.length > 0,
  };
}

interface Surroundings {
  readonly host: Host;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/** What planning can do without: health, processes, links, a MIG slice; and the host's memory where it is the card's. */
async function lookCloser(nvidiaSmi: NvidiaSmi, gpus: readonly Gpu[], { host, env }: Surroundings): Promise<Health> {
  const [first, ...others] = gpus;
  if (first === undefined) return { gpus: [], findings: [] };
  const { gpus: judged, findings } = await readHealth(nvidiaSmi, gpus);
  const used = await readProcesses(nvidiaSmi, await withDriverVersion(nvidiaSmi, judged));
  const linked = await readLinks(nvidiaSmi, used);
  const [only = first] = linked;
  const sliced = only.migEnabled && others.length === 0 ? [await asOnlySlice(nvidiaSmi, only, env)] : linked;
  return { gpus: sliced.map((gpu) => withHostMemory(gpu, host)), findings };
}
