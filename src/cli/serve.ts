import { join } from 'node:path';
import { loadConfig, type LoadedConfig } from '../config/load-config.ts';
import { isPublicBind, type ServeOptions } from '../config/options.ts';
import type { Flags } from '../config/text-sources.ts';
import type { Inventory } from '../domain/gpu.ts';
import type { Plan } from '../domain/placement.ts';
import { Refusal } from '../domain/refusal.ts';
import { refusalOf } from '../doctor/check.ts';
import { runDoctor } from '../doctor/run-doctor.ts';
import { DEFAULT_POLICY } from '../engine/policy.ts';
import { endLeftovers } from '../engine/run-record.ts';
import { chorusVersion, Orchestrator, type ChorusDeps } from '../orchestrator.ts';
import { summariseSetup } from '../setup/explain-setup.ts';
import { runSetup } from '../setup/setup.ts';
import type { SetupPlan } from '../setup/setup-plan.ts';
import { createLogger } from '../system/logger.ts';
import { systemClock } from '../system/clock.ts';
import { openResponseStore } from '../store/open-response-store.ts';
import { makeStateDirectory, refuseSecondServer } from '../system/state-directory.ts';
import { banner } from './banner.ts';
import { confirmSetup } from './confirm-setup.ts';
import { decidePlacement } from './plan.ts';
import { planSetupHere } from './plan-setup-here.ts';
import { createStartView, type StartView, viewStyle } from './progress.ts';
import { untilStopped } from './stop-signals.ts';

type Print = (line: string) => void;

/** `chorus serve`: plans, checks, sets up, serves until a signal, ends everything. Throws a `Refusal` when it cannot. */
export async function serve(flags: Flags): Promise<void> {
  const config = await loadConfig(flags, process.env);
  const { options } = config;
  const view = createStartView(process.stdout, viewStyle(options.progress, process.env), systemClock);
  const { print } = view;
  for (const line of configLines(config)) print(line);
  refuseSecondServer(options.stateDir);
  await endKilledEngines(options.stateDir, print);
  const { inventory, plan, reasons } = await decidePlacement(options, { isPublicBind: isPublicBind(options.host) });
  for (const reason of reasons) print(reason);
  if (plan.model === null || plan.placements.length === 0) throw new Refusal('unavailable', plan.summary);
  makeStateDirectory(options.stateDir);
  const setup = await preflight({ options, inventory, plan }, print);
  if (setup) await confirmSetup(setup, options.yes, { input: process.stdin, output: process.stdout });
  await run({ options, plan, setup }, view);
}

/** What a killed Chorus left on the cards goes before the plan: it would take their memory for somebody else's. */
async function endKilledEngines(stateDir: string, print: Print): Promise<void> {
  const left = await endLeftovers(stateDir, systemClock, DEFAULT_POLICY.killGraceMs);
  if (left.kind !== 'clear' || left.ended.length === 0) return;
  print(`Ended what a killed Chorus had left running (process groups ${left.ended.join(', ')}).`);
}

interface Decided {
  readonly options: ServeOptions;
  readonly plan: Plan;
  /** Null where nothing is to be installed or downloaded. */
  readonly setup: SetupPlan | null;
}

async function run({ options, plan, setup }: Decided, view: StartView): Promise<void> {
  const kept = await openStore(options, view.print);
  const orchestrator = new Orchestrator(options, plan, { ...dependencies({ options, setup }, view.print), ...kept });
  const stopped = untilStopped(orchestrator, {
    signals: process,
    clock: systemClock,
    print: view.print,
    drainMs: options.drainMs,
  });
  const { prepared } = await orchestrator.start();
  view.print(bannerOf(orchestrator, options, plan));
  const show = (): void => view.show(() => orchestrator.status());
  orchestrator.onChange(show);
  show();
  try {
    process.exitCode = await Promise.race([stopped, prepared.then(() => stopped)]);
  } catch (error) {
    await orchestrator.stop();
    throw error;
  } finally {
    view.close();
  }
}

/**
 * Everything that would prevent serving is told before anything expensive. Gives the setup that is still to be done.
 * Vouching for both the interpreter and the weights leaves nothing to set up, or to ask about.
 */
async function preflight(
  { options, inventory, plan }: Omit<Decided, 'setup'> & { readonly inventory: Inventory },
  print: Print,
): Promise<SetupPlan | null> {
  const engine = plan.placements[0]?.kind ?? 'simulated';
  const { modelPath, python, stateDir, host, port } = options;
  const isComplete = engine === 'simulated' || plan.model === null || (modelPath !== null && python !== null);
  const setup = isComplete ? null : await planSetupHere({ engine, model: plan.model, options, inventory });
  const checks = await runDoctor({ engine, inventory, plan, setup, stateDir, host, port }, process.env);
  const refusal = refusalOf(checks);
  if (refusal) throw refusal;
  if (engine !== 'simulated') {
    for (const { status, value, fix } of checks) if (status === 'warn') print(`Note: ${value} ${fix ?? ''}`.trimEnd());
  }
  return setup;
}

function bannerOf(orchestrator: Orchestrator, { stateDir }: ServeOptions, { model, summary }: Plan): string {
  const { url, simulated, apiKey } = orchestrator;
  const keyFile = apiKey?.file ?? null;
  return banner({ version: chorusVersion, url, model: model ?? 'gpt-oss-20b', summary, simulated, keyFile, stateDir });
}

function configLines({ file, warnings }: LoadedConfig): readonly string[] {
  return [...(file === null ? [] : [`Settings of ${file}.`]), ...warnings];
}

/** Serving without memory is better than not serving, except where two servers or a newer version own the file. */
const FATAL_STORE_PROBLEMS = ['in_use', 'corrupt', 'newer_schema'];

type Kept = Pick<ChorusDeps, 'store' | 'storeProblem'>;

async function openStore({ stateDir }: ServeOptions, print: Print): Promise<Kept> {
  const opening = await openResponseStore({ directory: join(stateDir, 'store'), clock: systemClock });
  if (opening.kind === 'opened') return { store: opening.store, storeProblem: null };
  const { code, message, remedy } = opening.problem;
  if (FATAL_STORE_PROBLEMS.includes(code)) throw new Refusal('unavailable', `${message} ${remedy}`);
  print(`Responses are not stored (store: false for every request): ${message} ${remedy}`);
  return { store: null, storeProblem: `${message} ${remedy}` };
}

function dependencies({ options, setup }: Omit<Decided, 'plan'>, print: Print): Omit<ChorusDeps, keyof Kept> {
  const logger = createLogger(join(options.stateDir, 'chorus.log'), print);
  const shared = { clock: systemClock, logger, environment: process.env, random: Math.random };
  if (setup === null) return { ...shared, prepare: null };
  // With nothing to do it still says where vLLM and the weights are.
  if (summariseSetup(setup) !== null) logger.info({ setup: summariseSetup(setup) }, 'setup begins');
  return { ...shared, prepare: (run) => runSetup(setup, shared, run) };
}
