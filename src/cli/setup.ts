import { constants } from 'node:os';
import type { Command } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import type { Flags } from '../config/text-sources.ts';
import type { ServeOptions } from '../config/options.ts';
import type { Inventory } from '../domain/gpu.ts';
import { Refusal } from '../domain/refusal.ts';
import { detectInventory } from '../gpu/detect-inventory.ts';
import { explainSetup } from '../setup/explain-setup.ts';
import { blockedRefusal, runSetup } from '../setup/setup.ts';
import type { SetupDeps, SetupPlan, SetupWish } from '../setup/setup-plan.ts';
import { systemClock } from '../system/clock.ts';
import { addConfigFlags } from './config-flags.ts';
import { confirmSetup } from './confirm-setup.ts';
import { decide, readInventoryFile } from './plan.ts';
import { planSetupHere } from './plan-setup-here.ts';
import { SetupLines } from './setup-lines.ts';

interface SetupFlags {
  readonly inventory?: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

type Print = (text: string) => void;

/** Adds `chorus setup`: installs vLLM and downloads the weights that `chorus serve` with the same settings would use. */
export function addSetupCommand(program: Command, print: Print): void {
  addConfigFlags(program.command('setup'))
    .description('install vLLM and download the weights that serve would use with the same settings')
    .option('--inventory <file>', 'for the machine in this JSON file, such as the output of plan --json elsewhere')
    .option('--dry-run', 'print commands, bytes and paths; change nothing', false)
    .option('--json', 'the plan, the progress and the result as JSON, one object a line', false)
    .action((flags: SetupFlags & Flags) => setup(flags, print));
}

async function setup({ inventory: file, dryRun, json, ...flags }: SetupFlags & Flags, print: Print): Promise<void> {
  const { options } = await loadConfig(flags, process.env);
  const inventory = file === undefined ? await detectInventory() : await readInventoryFile(file);
  const subject = { ...(await decideModel(options, inventory)), options, inventory };
  // This machine's disk says nothing about the one in the file.
  const plan = await planSetupHere(subject, file === undefined ? {} : { freeBytes: null });
  print(json ? JSON.stringify({ event: 'plan', plan }) : explainSetup(plan));
  if (plan.blockers.length > 0) throw blockedRefusal(plan);
  if (dryRun) return;
  await confirmSetup(plan, options.yes, { input: process.stdin, output: process.stdout });
  const stop = new AbortController();
  const stopped = abortOnSignals(stop);
  try {
    await run(plan, { print, json, signal: stop.signal });
  } catch (error) {
    if (stopped.exitCode === null) throw error;
    process.exitCode = stopped.exitCode;
    print('Stopped. The next setup goes on from here.');
  }
}

/** The installer's output and the retries are told as progress; a log file is the server's. */
const deps: SetupDeps = {
  clock: systemClock,
  logger: { info: () => undefined, warn: () => undefined },
  environment: process.env,
  random: Math.random,
};

async function decideModel(options: ServeOptions, inventory: Inventory): Promise<Pick<SetupWish, 'engine' | 'model'>> {
  const { decision, plan } = await decide(inventory, options);
  if ('refusal' in decision) throw new Refusal('unavailable', [decision.refusal, ...decision.reasons].join('\n  '));
  if (decision.kind === 'none') throw new Refusal('usage', 'Nothing is to be set up: engines elsewhere answer.');
  if (decision.kind === 'simulated') throw new Refusal('usage', 'The simulator needs no setup.');
  if (plan.model === null) throw new Refusal('unavailable', plan.summary);
  return { engine: decision.kind, model: plan.model };
}

interface Run {
  readonly print: Print;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

async function run(plan: SetupPlan, { print, json, signal }: Run): Promise<void> {
  const lines = new SetupLines(print, systemClock);
  const result = await runSetup(plan, deps, {
    signal,
    onProgress: (progress) => {
      if (json) print(JSON.stringify({ event: 'progress', ...progress }));
      else lines.show(progress);
    },
  });
  const { python, modelPath } = result;
  print(json ? JSON.stringify({ event: 'done', ...result }) : `Ready: ${python} serves ${modelPath}.`);
}

/** The first signal ends the work; what it was decides the exit code. A second one is the platform's: it ends at once. */
function abortOnSignals(stop: AbortController): { readonly exitCode: number | null } {
  const stopped: { exitCode: number | null } = { exitCode: null };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      stopped.exitCode = 128 + constants.signals[signal];
      stop.abort(new Error(`stopped by ${signal}`));
    });
  }
  return stopped;
}
