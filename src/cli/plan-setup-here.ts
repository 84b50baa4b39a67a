import type { ServeOptions } from '../config/options.ts';
import type { Inventory } from '../domain/gpu.ts';
import { collectSetupFacts } from '../setup/collect-facts.ts';
import { oldestDriver } from '../setup/oldest-driver.ts';
import { planSetup } from '../setup/plan-setup.ts';
import type { SetupFacts, SetupPlan, SetupWish } from '../setup/setup-plan.ts';

/** What a server with these settings runs, and on which machine. */
interface Subject extends Pick<SetupWish, 'engine' | 'model'> {
  readonly options: ServeOptions;
  readonly inventory: Inventory;
}

/**
 * Looks at this machine and plans what is still to be installed and downloaded for a server; `known` stands instead of
 * what was found. Changes nothing: a signal ends the process as it is.
 */
export async function planSetupHere(
  { engine, model, options, inventory }: Subject,
  known: Partial<SetupFacts> = {},
): Promise<SetupPlan> {
  const { modelPath, python, stateDir } = options;
  const wish = { engine, model, modelPath, python, stateDir, driverVersion: oldestDriver(inventory) };
  const facts = await collectSetupFacts(wish, { environment: process.env }, new AbortController().signal);
  return planSetup(wish, { ...facts, ...known });
}
