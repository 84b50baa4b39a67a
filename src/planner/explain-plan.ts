import type { Gpu, Host, Inventory } from '../domain/gpu.ts';
import type { MemoryEstimate, Placement, Plan, Rejection } from '../domain/placement.ts';
import { formatBytes, formatCount } from '../domain/units.ts';
import { TYPICAL_REQUEST_TOKENS } from './estimate.ts';
import { countOf, gpuList, roughly } from './wording.ts';

const LINE_LENGTH = 110;

/** The plan as text for people: what was found, what runs where, why, and what would change it. No trailing newline. */
export function explainPlan(inventory: Inventory, plan: Plan): string {
  const sections = [
    ['This machine', ...describeMachine(inventory)],
    [`Plan: ${plan.summary}`, ...describePlacements(plan.placements)],
    ['Why', ...plan.reasons.flatMap(bullet)],
    ['Left out', ...plan.rejections.flatMap((rejection) => bullet(rejectionSentence(rejection)))],
  ];
  return sections
    .filter(([heading, ...lines]) => lines.length > 0 || heading?.startsWith('Plan'))
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

/** What was left out, why, and what would change it, in one line. */
export function rejectionSentence({ subject, reason, remedy = '' }: Rejection): string {
  return `${subject}: ${reason}. ${remedy}`.trimEnd();
}

function describeMachine({ gpus, host, findings }: Inventory): string[] {
  const kinds = [...Map.groupBy(gpus, describeGpu)];
  return [
    ...(gpus.length === 0 ? ['  No GPU that nvidia-smi lists.'] : []),
    ...kinds.map(([description, same]) => `  ${gpuList(same)}: ${description}`),
    `  ${describeHost(host)}`,
    ...findings.flatMap(({ severity, message, remedy }) => wrap(`${severity}: ${message} ${remedy}`, '  ', '    ')),
  ];
}

function describeGpu({
  name,
  freeBytes,
  totalBytes,
  computeCapability,
  driverVersion,
  migEnabled,
  migSlice,
  displayActive,
  unifiedMemory,
  recoveryAction,
  processes = [],
  cordon,
}: Gpu) {
  const memory =
    totalBytes === null || freeBytes === null
      ? 'memory unknown'
      : `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} free`;
  const capability = computeCapability === null ? [] : [`compute capability ${computeCapability.toFixed(1)}`];
  const driver = driverVersion === null ? [] : [`driver ${driverVersion}`];
  const flags = [
    ...(migEnabled ? [migSlice === undefined ? 'MIG on' : `MIG slice ${migSlice}`] : []),
    ...(displayActive ? ['drives a display'] : []),
    ...(unifiedMemory ? ['memory shared with the host'] : []),
    ...(processes.length > 0 ? [countOf(processes.length, 'process') + ' on it'] : []),
    ...(recoveryAction === undefined ? [] : [`needs recovery: ${recoveryAction}`]),
    ...(cordon === undefined ? [] : ['out of service']),
  ];
  return [name, memory, ...capability, ...driver, ...flags].join(', ');
}

function describeHost({ cpuModel, cpuCount, hasAmx, availableBytes, totalBytes }: Host): string {
  const amx = hasAmx ? ' with AMX' : '';
  const ram = `${formatBytes(availableBytes)} of ${formatBytes(totalBytes)} RAM available`;
  return `${cpuModel}, ${countOf(cpuCount, 'CPU')}${amx}, ${ram}`;
}

/** Replicas that are launched alike share one description. */
function describePlacements(placements: readonly Placement[]): string[] {
  const kinds = Map.groupBy(placements, ({ gpus, profile, memory }) =>
    JSON.stringify([gpus.length, profile, memory && roughMemory(memory)]),
  );
  return [...kinds.values()].flatMap((alike) => {
    const [first] = alike;
    return first ? [...alike.map(describeSeat), ...describeLaunch(first)] : [];
  });
}

/** Replicas whose cards differ by a few MiB read the same. */
const roughMemory = ({ budgetBytes, kvCacheBytes }: MemoryEstimate): string[] =>
  [budgetBytes, kvCacheBytes].map(formatBytes);

function describeSeat({ engineId, gpus, kind }: Placement): string {
  const where = gpus.length > 0 ? gpuList(gpus) : kind === 'cpu' ? 'CPU' : 'simulated';
  return `  ${engineId}  ${where}`;
}

function describeLaunch({ gpus, kind, profile, memory }: Placement): string[] {
  if (kind === 'simulated' || memory === undefined) return [];
  const { gpuMemoryUtilization, maxNumBatchedTokens, enforceEager, cpuKvCacheGiB, maxModelLen, name } = profile;
  const flags = [
    ...(gpus.length > 1 ? [`--tensor-parallel-size ${gpus.length}`] : []),
    `--max-model-len ${maxModelLen}`,
    ...(gpuMemoryUtilization === undefined ? [] : [`--gpu-memory-utilization ${gpuMemoryUtilization}`]),
    ...(maxNumBatchedTokens === undefined ? [] : [`--max-num-batched-tokens ${maxNumBatchedTokens}`]),
    ...(enforceEager ? ['--enforce-eager'] : []),
    ...(cpuKvCacheGiB === undefined ? [] : [`VLLM_CPU_KVCACHE_SPACE=${cpuKvCacheGiB}`]),
  ];
  return [
    `      profile  ${name}: ${flags.join(' ')}`,
    `      memory   ${describeMemory(memory, gpus.length)}`,
    `      room     KV cache for about ${roughly(memory.kvCacheTokens)} tokens: ` +
      `${countOf(memory.concurrentRequests, 'request')} of ${formatCount(TYPICAL_REQUEST_TOKENS)} tokens at a time, the next one waits`,
  ];
}

function describeMemory({ budgetBytes, weightBytes, runtimeBytes, kvCacheBytes }: MemoryEstimate, cardCount: number) {
  const each = cardCount > 1 ? ' on each card' : '';
  return (
    `${formatBytes(budgetBytes)}${each} = ${formatBytes(weightBytes)} weights + ${formatBytes(runtimeBytes)} vLLM itself ` +
    `+ ${formatBytes(kvCacheBytes)} KV cache (estimates)`
  );
}

const bullet = (text: string): string[] => wrap(text, '  - ', '    ');

/** Breaks between words; a terminal would break within them. */
function wrap(text: string, firstIndent: string, indent: string): string[] {
  const lines: string[] = [];
  let line = firstIndent;
  for (const word of text.split(' ')) {
    if (line.length + word.length > LINE_LENGTH && line.trim() !== '') {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
