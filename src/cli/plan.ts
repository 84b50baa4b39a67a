import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { hasNamedKeys } from '../access/key-ring.ts';
import { loadConfig } from '../config/load-config.ts';
import { isPublicBind, type ServeOptions } from '../config/options.ts';
import type { Inventory } from '../domain/gpu.ts';
import type { Plan } from '../domain/placement.ts';
import { Refusal } from '../domain/refusal.ts';
import { readFits } from '../engine/fit-memory.ts';
import { detectInventory } from '../gpu/detect-inventory.ts';
import { chooseEngine, type EngineDecision } from '../planner/choose-engine.ts';
import { explainPlan, rejectionSentence } from '../planner/explain-plan.ts';
import { parseInventory } from '../planner/inventory-file.ts';
import { planPlacement } from '../planner/plan-placement.ts';
import { PLAN_WITHOUT_ENGINES, withRemotes } from '../planner/with-remotes.ts';
import type { PlanRequest } from '../planner/request.ts';
import { hostOf } from '../remote/endpoint.ts';
import { readModelFolder } from '../system/model-folder.ts';
import { addConfigFlags } from './config-flags.ts';

/** The settings that decide what runs where. */
type Wish = Pick<PlanRequest, 'survivors'> &
  Pick<
    ServeOptions,
    | 'engine'
    | 'modelPath'
    | 'replicas'
    | 'model'
    | 'gpus'
    | 'tensorParallel'
    | 'contextTokens'
    | 'gpuMemoryUtilization'
    | 'stateDir'
    | 'host'
    | 'remoteEngines'
  > & {
    /** The simulator answers already: who relies on the server knows it. Absent: it does not. */
    readonly isSimulating?: boolean;
  };

/**
 * Looks at this machine and decides what `chorus serve` runs on it; `reasons` are sentences for people, the most
 * important first. Throws a `Refusal`: exit code 69 when no engine may be started, 65 or 66 for a bad model folder.
 * A plan without placements is no error here.
 */
export async function decidePlacement(
  wish: Wish,
): Promise<{ readonly inventory: Inventory; readonly plan: Plan; readonly reasons: readonly string[] }> {
  const inventory = await detectInventory();
  const { decision, plan } = await decide(inventory, wish);
  if ('refusal' in decision) throw new Refusal('unavailable', [decision.refusal, ...decision.reasons].join('\n  '));
  const reasons = [...decision.reasons, ...plan.reasons, ...plan.rejections.map(rejectionSentence)];
  return { inventory, plan, reasons };
}

/** Where the engine is refused, the plan for GPUs says what is wrong with each. Throws as `readModelFolder` does. */
export async function decide(
  inventory: Inventory,
  wish: Wish,
): Promise<{ readonly decision: EngineDecision; readonly plan: Plan }> {
  const { engine, modelPath, model, gpus, tensorParallel, contextTokens, gpuMemoryUtilization, remoteEngines } = wish;
  const modelFolder = modelPath === null ? null : await readModelFolder(modelPath);
  const decision = chooseEngine(engine, inventory, {
    hasNamedKey: engine === 'auto' && !wish.isSimulating && hasNamedKeys(wish.stateDir),
    isPublicBind: isPublicBind(wish.host),
    hasRemotes: remoteEngines.length > 0,
  });
  const remotes = remoteEngines.map((one) => ({ engineId: one.engineId, host: hostOf(one) }));
  const kind = 'kind' in decision ? decision.kind : 'gpu';
  if (kind === 'none') return { decision, plan: withRemotes(PLAN_WITHOUT_ENGINES, remotes) };
  const plan = planPlacement(inventory, {
    engine: kind,
    model,
    replicas: wish.replicas ?? 'auto',
    gpus,
    tensorParallel,
    contextTokens,
    gpuMemoryUtilization,
    remembered: readFits(wish.stateDir),
    ...(wish.survivors ? { survivors: wish.survivors } : {}),
    ...(modelFolder ? { modelFolder } : {}),
  });
  return { decision, plan: withRemotes(plan, remotes) };
}

interface PlanFlags {
  readonly inventory?: string;
  readonly json: boolean;
}

/** Adds `chorus plan`. The plan goes to `print`; one without placements then ends in a `Refusal` (exit code 69). */
export function addPlanCommand(program: Command, print: (text: string) => void): void {
  addConfigFlags(program.command('plan'))
    .description('what would run where with the same settings, and why; starts nothing')
    .option('--inventory <file>', 'plan for the machine in this JSON file, such as the output of --json elsewhere')
    .option('--json', 'inventory, decision and plan as JSON', false)
    .action((flags: PlanFlags) => runPlan(flags, print));
}

async function runPlan({ inventory: file, json, ...flags }: PlanFlags, print: (text: string) => void): Promise<void> {
  const { options, warnings } = await loadConfig(flags, process.env);
  const inventory = file === undefined ? await detectInventory() : await readInventoryFile(file);
  const { decision, plan } = await decide(inventory, options);
  if (json) print(JSON.stringify({ inventory, decision, plan }, null, 2));
  else print([...warnings, explainPlan(inventory, plan)].join('\n'));
  if ('refusal' in decision) throw new Refusal('unavailable', decision.refusal);
  refuseIdlePlan(plan, options);
}

/** Throws a `Refusal` where nothing would answer, here or elsewhere. */
export function refuseIdlePlan(
  { placements, summary }: Plan,
  { remoteEngines }: Pick<ServeOptions, 'remoteEngines'>,
): void {
  if (placements.length === 0 && remoteEngines.length === 0) throw new Refusal('unavailable', summary);
}

/** The machine that `--inventory` names. Throws a `Refusal`: exit code 66 if it cannot be read, 65 if it is no machine. */
export async function readInventoryFile(file: string): Promise<Inventory> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    const message = `${file} cannot be read (${(cause as Error).message}). --inventory takes a JSON file.`;
    throw new Refusal('noInput', message, { cause });
  });
  return parseInventory(text, file);
}
