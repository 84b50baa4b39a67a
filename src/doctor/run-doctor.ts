import type { Inventory } from '../domain/gpu.ts';
import type { HostEngine, Plan } from '../domain/placement.ts';
import type { SetupPlan } from '../setup/setup-plan.ts';
import type { DoctorCheck, Verdict } from './check.ts';
import {
  checkCuda,
  checkDriver,
  checkGpus,
  checkKernelLog,
  checkLinks,
  checkPersistence,
  checkPlacement,
} from './gpu-checks.ts';
import {
  checkCompiler,
  checkLeftovers,
  checkLimits,
  checkMemory,
  checkNode,
  checkPort,
  checkSharedMemory,
  checkStateDirectory,
  checkSystem,
  checkVocabulary,
} from './machine-checks.ts';
import { readMachineFacts, type MachineFacts } from './machine-facts.ts';
import { checkDisk, checkVllm, checkWeights } from './setup-checks.ts';

/** What is to be served where, and what planner and setup say about it. */
export interface DoctorSubject {
  readonly engine: HostEngine;
  readonly inventory: Inventory;
  readonly plan: Plan;
  /** Null where neither vLLM nor weights are to be set up: the simulator, or both were named. */
  readonly setup: SetupPlan | null;
  /** Absolute. */
  readonly stateDir: string;
  readonly host: string;
  readonly port: number;
}

/**
 * Looks at everything that serving needs, with a verdict and a fix for each. Changes nothing, never rejects, and takes
 * well under a second: what takes longer (nvidia-smi, Python, the hub) was asked for inventory and setup plan.
 */
export async function runDoctor(
  subject: DoctorSubject,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly DoctorCheck[]> {
  const { stateDir, host, port } = subject;
  return judge(subject, await readMachineFacts({ stateDir, host, port, environment }));
}

/** The verdicts over collected facts, in the order in which a person would look. Pure. */
export function judge(subject: DoctorSubject, facts: MachineFacts): readonly DoctorCheck[] {
  const { engine, inventory, plan, setup, stateDir } = subject;
  const verdicts: Readonly<Record<string, Verdict>> = {
    node: checkNode(facts),
    system: checkSystem(engine, facts),
    driver: checkDriver(engine, inventory),
    cuda: checkCuda(engine, inventory),
    gpus: checkGpus(engine, inventory),
    links: checkLinks(engine, inventory, plan),
    persistence: checkPersistence(engine, inventory),
    kernel_log: checkKernelLog(engine, inventory, facts),
    placement: checkPlacement(engine, inventory, plan),
    vllm: checkVllm(setup),
    compiler: checkCompiler(engine, facts),
    weights: checkWeights(setup),
    disk: checkDisk(setup),
    vocabulary: checkVocabulary(facts),
    port: checkPort(subject, facts),
    state_directory: checkStateDirectory(stateDir, facts),
    shared_memory: checkSharedMemory(plan, facts),
    limits: checkLimits(engine, facts),
    memory: checkMemory(engine, inventory),
    leftovers: checkLeftovers(facts),
  };
  return Object.entries(verdicts).map(([id, verdict]) => ({ id, ...verdict }));
}
