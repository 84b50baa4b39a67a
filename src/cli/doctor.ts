import type { Command } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import type { ServeOptions } from '../config/options.ts';
import type { Flags } from '../config/text-sources.ts';
import type { Inventory } from '../domain/gpu.ts';
import type { HostEngine, Plan } from '../domain/placement.ts';
import { EXIT_CODES } from '../domain/refusal.ts';
import type { DoctorCheck } from '../doctor/check.ts';
import { runDoctor } from '../doctor/run-doctor.ts';
import { detectInventory } from '../gpu/detect-inventory.ts';
import { countOf } from '../planner/wording.ts';
import type { SetupPlan } from '../setup/setup-plan.ts';
import { addConfigFlags } from './config-flags.ts';
import { decide } from './plan.ts';
import { planSetupHere } from './plan-setup-here.ts';
import { formatTable } from './table.ts';

type Print = (text: string) => void;

/** Adds `chorus doctor`. It ends with exit code 69 when something prevents serving. */
export function addDoctorCommand(program: Command, print: Print): void {
  addConfigFlags(program.command('doctor'))
    .description('look at everything that serve needs with the same settings; each problem comes with its fix')
    .option('--json', 'as JSON', false)
    .action((flags: Flags & { readonly json: boolean }) => doctor(flags, print));
}

async function doctor({ json, ...flags }: Flags & { readonly json: boolean }, print: Print): Promise<void> {
  const { options } = await loadConfig(flags, process.env);
  const inventory = await detectInventory();
  const { decision, plan } = await decide(inventory, options);
  const engine = 'kind' in decision ? decision.kind : 'gpu';
  const setup = await setupPlan(engine, { options, inventory, plan });
  const { stateDir, host, port } = options;
  const checks = await runDoctor({ engine, inventory, plan, setup, stateDir, host, port }, process.env);
  print(json ? JSON.stringify({ checks }, null, 2) : formatChecks(checks));
  if (checks.some(({ status }) => status === 'fail')) process.exitCode = EXIT_CODES.unavailable;
}

/** Where no model fits, the smaller one is looked for: the rest of the machine is still worth knowing. */
async function setupPlan(
  engine: HostEngine,
  { options, inventory, plan }: { readonly options: ServeOptions; readonly inventory: Inventory; readonly plan: Plan },
): Promise<SetupPlan | null> {
  if (engine === 'simulated' || engine === 'none') return null;
  const model = plan.model ?? (options.model === 'auto' ? 'gpt-oss-20b' : options.model);
  return planSetupHere({ engine, model, options, inventory });
}

/** A table, then the fixes, then one closing line. */
export function formatChecks(checks: readonly DoctorCheck[]): string {
  const count = (status: DoctorCheck['status']): number => checks.filter((check) => check.status === status).length;
  const fixes = checks.filter(({ fix }) => fix !== null);
  return [
    formatTable(
      ['STATUS', 'CHECK', 'FOUND'],
      checks.map(({ id, status, value }) => [status, id, value]),
    ),
    ...(fixes.length > 0 ? ['', 'What to do:', ...fixes.map(({ id, fix }) => `  ${id}: ${fix}`)] : []),
    '',
    count('fail') > 0
      ? `${count('fail')} of ${checks.length} checks ${count('fail') === 1 ? 'fails' : 'fail'}: this machine cannot serve yet.`
      : `Nothing prevents serving (${checks.length} checks, ${countOf(count('warn'), 'warning')}).`,
  ].join('\n');
}
