import type { ServeOptions } from '../config/options.ts';
import type { DeploymentDeps } from '../deployment/deployment.ts';
import type { Inventory } from '../domain/gpu.ts';
import type { HostEngine } from '../domain/placement.ts';
import type { ModelId } from '../domain/model.ts';
import { Refusal } from '../domain/refusal.ts';
import type { EngineSource } from '../engine/fleet.ts';
import { withCordons } from '../planner/cordon.ts';
import { summariseSetup } from '../setup/explain-setup.ts';
import { blockedRefusal, runSetup } from '../setup/setup.ts';
import type { SetupDeps } from '../setup/setup-plan.ts';
import { decide, refuseIdlePlan } from './plan.ts';
import { planSetupHere } from './plan-setup-here.ts';

/** What a server began with. */
interface Started {
  readonly inventory: Inventory;
  /** The simulator answers, and goes on to do so whoever has got a key since. */
  readonly isSimulating: boolean;
}

/**
 * Plans for a server that runs: over the machine as it was before its engines took their memory, and with what is
 * installed and downloaded already.
 */
export function planAgain({ inventory, isSimulating }: Started, deps: SetupDeps): DeploymentDeps['plan'] {
  return async (options, { cordoned, survivors }) => {
    const rest = withCordons(inventory, cordoned);
    const { decision, plan } = await decide(rest, { ...options, survivors, isSimulating });
    if ('refusal' in decision) throw new Refusal('unavailable', [decision.refusal, ...decision.reasons].join('\n  '));
    refuseIdlePlan(plan, options);
    return { plan, source: await findSource({ engine: decision.kind, model: plan.model, options, inventory }, deps) };
  };
}

interface Subject {
  readonly engine: HostEngine;
  /** Null where no engine runs here. */
  readonly model: ModelId | null;
  readonly options: ServeOptions;
  readonly inventory: Inventory;
}

/** Where vLLM and the weights are. Throws a `Refusal` when they are not: a running server downloads nothing unasked. */
async function findSource({ engine, model, options, inventory }: Subject, deps: SetupDeps): Promise<EngineSource> {
  const { python, modelPath } = options;
  const isComplete = engine === 'simulated' || (python !== null && modelPath !== null);
  if (engine === 'none' || model === null || isComplete) return { python, modelPath };
  const setup = await planSetupHere({ engine, model, options, inventory });
  if (setup.blockers.length > 0) throw blockedRefusal(setup);
  const missing = summariseSetup(setup);
  if (missing === null)
    return runSetup(setup, deps, { signal: new AbortController().signal, onProgress: () => undefined });
  const message = `Chorus would have to ${missing} first. Run \`chorus setup\` with the same settings, then reload.`;
  throw new Refusal('unavailable', message);
}
