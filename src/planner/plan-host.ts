import type { Host, Inventory } from '../domain/gpu.ts';
import type { ModelId } from '../domain/model.ts';
import type { EngineKind, Placement, Plan, Rejection } from '../domain/placement.ts';
import { formatBytes, formatCount, GiB } from '../domain/units.ts';
import { CPU_RUNTIME_BYTES, cpuFootprint, kvBytesForContext, splitBudget, type Footprint } from './estimate.ts';
import { emptyPlan, notServed } from './not-served.ts';
import { CONTEXT_LADDER } from './profiles.ts';
import type { PlanRequest } from './request.ts';
import { countOf } from './wording.ts';

const DEFAULT_SIMULATED_REPLICAS = 2;
const SIMULATED_CONTEXT_TOKENS = 131_072;

/** One size of CPU engine: its context, and the RAM that this takes. */
interface CpuSize {
  readonly contextTokens: number;
  readonly kvCacheGiB: number;
  readonly totalBytes: number;
}

/** Engines of vLLM's CPU build: bounded by RAM, and for MXFP4 weights by the CPU's instruction set. */
export function planOnCpu({ host }: Inventory, request: PlanRequest): Plan {
  const model = modelWithoutGpu(request);
  const replicas = request.replicas === 'auto' ? 1 : request.replicas;
  const footprint = cpuFootprint(model, request.modelFolder);
  const sizes = cpuSizes(footprint, request.contextTokens);
  const size = sizes.find(({ totalBytes }) => totalBytes * replicas <= host.availableBytes);
  const rejections = [
    ...rejectInstructionSet(model, request, host),
    ...(size ? [] : rejectMemory(model, { replicas, host, smallest: sizes.at(-1) })),
  ];
  if (!size || rejections.length > 0) return refuse(rejections);
  return {
    model,
    placements: engineIds(replicas).map((engineId) => cpuPlacement(engineId, model, footprint, size)),
    rejections: withoutEffect('cpu', request),
    summary: `${countOf(replicas, 'replica')} of ${model} on the CPU, context ${formatCount(size.contextTokens)} tokens.`,
    reasons: [
      `Each engine takes about ${formatBytes(size.totalBytes)} of RAM (weights ${formatBytes(footprint.weightBytes)}, KV ` +
        `cache ${size.kvCacheGiB} GiB, its processes ${formatBytes(CPU_RUNTIME_BYTES)}); ` +
        `${formatBytes(host.availableBytes)} are available.`,
      'This is the real vLLM at the speed of a CPU: for trials and tests, not for users.',
    ],
    notServed: notServed(model, () => `this server runs ${model} on the CPU`),
  };
}

/** The simulator takes neither GPU nor weights; two replicas show balancing and failover. */
export function planSimulated(request: PlanRequest): Plan {
  const model = modelWithoutGpu(request);
  const replicas = request.replicas === 'auto' ? DEFAULT_SIMULATED_REPLICAS : request.replicas;
  const maxModelLen = request.contextTokens ?? SIMULATED_CONTEXT_TOKENS;
  return {
    model,
    placements: engineIds(replicas).map((engineId) => ({
      engineId,
      kind: 'simulated',
      model,
      gpus: [],
      profile: { name: 'simulated', maxModelLen },
    })),
    rejections: withoutEffect('simulated', request),
    summary: `${countOf(replicas, 'simulated replica')} of ${model}, context ${formatCount(maxModelLen)} tokens.`,
    reasons: ['SIMULATED: no model runs; the answers come from a small closed world.'],
    notServed: notServed(model, () => `this server simulates ${model}`),
  };
}

/** Settings that say how GPUs are used. */
const GPU_SETTINGS = [
  ['gpus', '--gpus'],
  ['tensorParallel', '--tensor-parallel'],
  ['gpuMemoryUtilization', '--gpu-memory-utilization'],
] as const;

/** What was given and changes nothing, because no GPU is used. */
function withoutEffect(engine: EngineKind, request: PlanRequest): Rejection[] {
  const given = GPU_SETTINGS.filter(([key]) => request[key] !== null);
  return given.map(([, flag]) => ({
    subject: flag,
    code: 'without_effect',
    reason: `engines of kind ${engine} use no GPU`,
    remedy: 'Leave it away, or use --engine gpu.',
  }));
}

function modelWithoutGpu({ model, modelFolder }: PlanRequest): ModelId {
  if (modelFolder) return modelFolder.model;
  return model === 'auto' ? 'gpt-oss-20b' : model;
}

const engineIds = (count: number): string[] => Array.from({ length: count }, (_, position) => `e${position}`);

/** Longest context first. The KV cache comes in whole GiB (`VLLM_CPU_KVCACHE_SPACE`). */
function cpuSizes(footprint: Footprint, given: number | null): CpuSize[] {
  const within = (given === null ? CONTEXT_LADDER : [given]).map((contextTokens) =>
    Math.min(contextTokens, footprint.maxContextTokens),
  );
  return [...new Set(within)].map((contextTokens) => {
    const kvCacheGiB = Math.ceil(kvBytesForContext(footprint, contextTokens) / GiB);
    return { contextTokens, kvCacheGiB, totalBytes: footprint.weightBytes + kvCacheGiB * GiB + CPU_RUNTIME_BYTES };
  });
}

function cpuPlacement(engineId: string, model: ModelId, footprint: Footprint, size: CpuSize): Placement {
  return {
    engineId,
    kind: 'cpu',
    model,
    gpus: [],
    // Compiling takes longer here than what it saves: without it a start is about 40 s shorter.
    profile: { name: 'cpu', maxModelLen: size.contextTokens, enforceEager: true, cpuKvCacheGiB: size.kvCacheGiB },
    memory: splitBudget(footprint, {
      budgetBytes: size.totalBytes,
      runtimeBytes: CPU_RUNTIME_BYTES,
      cardCount: 1,
    }),
  };
}

/** vLLM's CPU build runs MXFP4 experts on AMX tiles only (`cpu.md` of vLLM); unquantised ones run anywhere. */
function rejectInstructionSet(model: ModelId, { modelFolder }: PlanRequest, host: Host): Rejection[] {
  if (host.hasAmx || modelFolder?.quantised === false) return [];
  return [
    {
      subject: model,
      code: 'amx_missing',
      reason: `on a CPU its MXFP4 weights need AMX (Intel Xeon, 4th generation or newer); ${host.cpuModel} has none`,
      remedy: 'Serve an unquantised gpt-oss with --model-path, or use a GPU, or --engine simulated.',
    },
  ];
}

interface Shortage {
  readonly replicas: number;
  readonly host: Host;
  readonly smallest: CpuSize | undefined;
}

function rejectMemory(model: ModelId, { replicas, host, smallest }: Shortage): Rejection[] {
  if (!smallest) return [];
  const available = formatBytes(host.availableBytes);
  const each = formatBytes(smallest.totalBytes);
  const most = Math.floor(host.availableBytes / smallest.totalBytes);
  if (most === 0) {
    const reason = `one engine needs ${each} of RAM, and ${available} are available`;
    return [{ subject: model, code: 'memory_too_small', reason, remedy: 'Free memory, or use a larger machine.' }];
  }
  return [
    {
      subject: model,
      code: 'too_many_replicas',
      reason: `${replicas} engines of ${each} need more than the ${available} of RAM that are available, ${most} would fit`,
      remedy: `Use --replicas ${most}.`,
    },
  ];
}

function refuse(rejections: readonly Rejection[]): Plan {
  const [first] = rejections;
  const summary = `Nothing fits on the CPU: ${first ? `${first.subject}: ${first.reason}` : 'no size'}.`;
  return emptyPlan(summary, 'the CPU of this server cannot run it', rejections);
}
