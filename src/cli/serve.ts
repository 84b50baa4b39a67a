import { join } from 'node:path';
import { loadConfig, type LoadedConfig } from '../config/load-config.ts';
import { isPublicBind, type ServeOptions } from '../config/options.ts';
import type { Flags } from '../config/text-sources.ts';
import type { ChorusDeps } from '../deployment/chorus-deps.ts';
import type { GpuSight } from '../deployment/watch-gpus.ts';
import type { Inventory } from '../domain/gpu.ts';
import type { Plan } from '../domain/placement.ts';
import { Refusal } from '../domain/refusal.ts';
import { refusalOf } from '../doctor/check.ts';
import { runDoctor } from '../doctor/run-doctor.ts';
import { DEFAULT_POLICY, type EnginePolicy } from '../engine/policy.ts';
import { NVIDIA_SMI_DEADLINE_MS } from '../gpu/open-nvidia-smi.ts';
import { endLeftovers } from '../engine/run-record.ts';
import type { Listener } from '../gateway/listen.ts';
import { Orchestrator } from '../orchestrator.ts';
import { chorusVersion } from '../system/version.ts';
import { summariseSetup } from '../setup/explain-setup.ts';
import { runSetup } from '../setup/setup.ts';
import type { SetupPlan } from '../setup/setup-plan.ts';
import { createLogger } from '../system/logger.ts';
import { systemClock } from '../system/clock.ts';
import { takeServiceEnvironment, type ServiceEnvironment } from '../system/service-environment.ts';
import { openResponseStore } from '../store/open-response-store.ts';
import { makeStateDirectory, refuseSecondServer } from '../system/state-directory.ts';
import { allocateInYoungGeneration } from '../system/young-generation.ts';
import { banner } from './banner.ts';
import { confirmSetup } from './confirm-setup.ts';
import { decidePlacement, refuseIdlePlan } from './plan.ts';
import { planAgain } from './plan-again.ts';
import { planSetupHere } from './plan-setup-here.ts';
import { describeReload } from './reload.ts';
import { createStartView, type StartView, viewStyle } from './progress.ts';
import { announceStop, connectService, listenAsTold } from './service.ts';
import { noteEarlyReload, untilStopped } from './stop-signals.ts';

type Print = (line: string) => void;

/**
 * `chorus serve`: plans, checks, sets up, serves until a signal, ends everything. Throws a `Refusal` when it cannot.
 * `policy` are the waiting times of its engines.
 */
export async function serve(flags: Flags, policy: EnginePolicy = DEFAULT_POLICY): Promise<void> {
  allocateInYoungGeneration();
  const wasReloadAsked = isForeground() ? () => false : noteEarlyReload(process);
  const told = takeServiceEnvironment(process.env, process.pid);
  const config = await loadConfig(flags, process.env);
  const view = createStartView(process.stdout, viewStyle(config.options.progress, process.env), systemClock);
  const { print } = view;
  for (const line of configLines(config)) print(line);
  const { options, socket } = listenAsTold(config.options, told, print);
  refuseOpenDoor(config, options);
  refuseSecondServer(options.stateDir);
  await endKilledEngines(options.stateDir, print);
  const { inventory, plan, reasons } = await decidePlacement(options);
  for (const reason of reasons) print(reason);
  refuseIdlePlan(plan, options);
  makeStateDirectory(options.stateDir);
  // The port is ours already where a socket was passed.
  const checked = socket === null ? options : { ...options, port: 0 };
  const setup = await preflight({ options: checked, inventory, plan }, print);
  if (setup) await confirmSetup(setup, options.yes, { input: process.stdin, output: process.stdout });
  const { host, port } = options;
  const service = { told, listener: { host, port, descriptor: socket?.descriptor ?? null } };
  const readAgain = (): Promise<LoadedConfig> => loadConfig(flags, process.env);
  const again = { readConfig: readAgain, wasReloadAsked };
  await run({ config, options, inventory, plan, setup, policy, ...again, ...service }, view);
}

/** Nobody else may be able to reach a server that asks for no key. */
function refuseOpenDoor({ settings }: LoadedConfig, { noKey, host }: ServeOptions): void {
  if (!noKey || !isPublicBind(host)) return;
  const isFlag = settings.some(({ path, source }) => path === 'server.no_key' && source === 'flag');
  const message = `Without a key everybody who reaches ${host} could use the models. Leave --no-key (server.no_key) out: the first start makes a key. Or listen on 127.0.0.1.`;
  throw new Refusal(isFlag ? 'usage' : 'config', message);
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

/** What the service manager said and passed, where one started this. */
interface AsService {
  readonly told: ServiceEnvironment;
  readonly listener: Listener;
}

/** What the server was started with, and what is read again when it changes. */
interface Configured extends Pick<ChorusDeps, 'readConfig' | 'policy'> {
  readonly config: LoadedConfig;
  readonly inventory: Inventory;
  /** Somebody sent SIGHUP meanwhile. From this question on it is answered at once. */
  readonly wasReloadAsked: () => boolean;
}

async function run(
  {
    config,
    inventory,
    options,
    plan,
    setup,
    told,
    listener,
    readConfig,
    wasReloadAsked,
    policy,
  }: Decided & AsService & Configured,
  view: StartView,
): Promise<void> {
  const kept = await openStore(options, view.print);
  const shared = dependencies({ options, setup }, view.print);
  const gpuSight = plan.placements[0]?.kind === 'gpu' ? sightOf(inventory) : null;
  const isSimulating = plan.placements[0]?.kind === 'simulated';
  const again = { readConfig, plan: planAgain({ inventory, isSimulating }, shared) };
  const orchestrator = new Orchestrator(
    { settings: config.settings, plan },
    { ...shared, ...kept, ...again, listener, gpuSight, policy },
  );
  const service = connectService(told, orchestrator, view.print);
  const stop = (): Promise<void> => {
    announceStop(service, orchestrator.drainMs);
    return orchestrator.stop();
  };
  const stopped = untilStopped(
    { stop, kill: () => orchestrator.kill() },
    {
      signals: process,
      clock: systemClock,
      print: view.print,
      drainMs: () => orchestrator.drainMs,
      reload: isForeground() ? null : () => void reloadNow(orchestrator, view.print),
    },
  );
  const isReloadDue = wasReloadAsked();
  orchestrator.announceReloads(service);
  const { prepared } = await orchestrator.start();
  view.print(bannerOf(orchestrator, options, plan));
  const show = (): void => view.show(() => orchestrator.status());
  orchestrator.onChange(show);
  show();
  if (isReloadDue) void reloadNow(orchestrator, view.print);
  try {
    process.exitCode = await Promise.race([stopped, prepared.then(() => stopped)]);
  } catch (error) {
    await orchestrator.stop();
    throw error;
  } finally {
    await service?.close();
    view.close();
  }
}

const sightOf = ({ gpus }: Inventory): GpuSight => ({
  gpus,
  clock: systemClock,
  env: process.env,
  root: '/',
  deadlineMs: NVIDIA_SMI_DEADLINE_MS,
});

/** A terminal that goes away sends SIGHUP to what runs in it; nobody else is told by it to end. */
const isForeground = (): boolean => process.stdin.isTTY || process.stdout.isTTY;

/** What SIGHUP asks for; the outcome is a matter of the log and whoever reads the output. */
async function reloadNow(orchestrator: Orchestrator, print: Print): Promise<void> {
  try {
    for (const line of describeReload(await orchestrator.reload())) print(line);
  } catch (error) {
    print((error as Error).message);
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
  const engine = plan.placements[0]?.kind ?? 'none';
  const { modelPath, python, stateDir, host, port } = options;
  const isComplete = engine === 'simulated' || (modelPath !== null && python !== null);
  const setup =
    isComplete || engine === 'none' || plan.model === null
      ? null
      : await planSetupHere({ engine, model: plan.model, options, inventory });
  const checks = await runDoctor({ engine, inventory, plan, setup, stateDir, host, port }, process.env);
  const refusal = refusalOf(checks);
  if (refusal) throw refusal;
  if (engine !== 'simulated' && engine !== 'none') {
    for (const { status, value, fix } of checks) if (status === 'warn') print(`Note: ${value} ${fix ?? ''}`.trimEnd());
  }
  return setup;
}

function bannerOf(orchestrator: Orchestrator, { stateDir }: ServeOptions, { model, summary }: Plan): string {
  const { url, simulated, access } = orchestrator;
  const key = access.isKeyless ? 'none' : (access.apiKey ?? 'named');
  return banner({ version: chorusVersion, url, model, summary, simulated, key, stateDir });
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
  print(`Responses are not stored (store: false for every request), and usage is not recorded: ${message} ${remedy}`);
  return { store: null, storeProblem: `${message} ${remedy}` };
}

type Shared = Pick<ChorusDeps, 'clock' | 'logger' | 'environment' | 'random' | 'prepare'>;

function dependencies({ options, setup }: Omit<Decided, 'plan'>, print: Print): Shared {
  const { stateDir, logLevel: level, maxEngineLogBytes: maxBytes } = options;
  const logger = createLogger(join(stateDir, 'chorus.log'), print, { level, maxBytes });
  const shared = { clock: systemClock, logger, environment: process.env, random: Math.random };
  if (setup === null) return { ...shared, prepare: null };
  // With nothing to do it still says where vLLM and the weights are.
  if (summariseSetup(setup) !== null) logger.info({ setup: summariseSetup(setup) }, 'setup begins');
  return { ...shared, prepare: (run) => runSetup(setup, shared, run) };
}
