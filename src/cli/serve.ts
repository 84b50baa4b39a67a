import { join } from 'node:path';
import { loadConfig, type LoadedConfig } from '../config/load-config.ts';
import { isPublicBind, type ServeOptions } from '../config/options.ts';
import type { Flags } from '../config/text-sources.ts';
import { Refusal } from '../domain/refusal.ts';
import { chorusVersion, Orchestrator, type ChorusDeps } from '../orchestrator.ts';
import { createLogger } from '../system/logger.ts';
import { systemClock } from '../system/clock.ts';
import { openResponseStore } from '../store/open-response-store.ts';
import type { ResponseStore } from '../store/response-store.ts';
import { makeStateDirectory, refuseSecondServer } from '../system/state-directory.ts';
import { banner } from './banner.ts';
import { decidePlacement } from './plan.ts';
import { EngineProgress } from './progress.ts';
import { untilStopped } from './stop-signals.ts';

type Print = (line: string) => void;

/** `chorus serve`: plans, serves until a signal, ends everything. Throws a `Refusal` when it cannot start. */
export async function serve(flags: Flags, print: Print): Promise<void> {
  const config = await loadConfig(flags, process.env);
  for (const line of configLines(config)) print(line);
  const { options } = config;
  const { plan, reasons } = await decidePlacement(options, { isPublicBind: isPublicBind(options.host) });
  for (const reason of reasons) print(reason);
  if (plan.model === null || plan.placements.length === 0) throw new Refusal('unavailable', plan.summary);
  makeStateDirectory(options.stateDir);
  refuseSecondServer(options.stateDir);
  const store = await openStore(options, print);
  const orchestrator = new Orchestrator(options, plan, { ...dependencies(options), store });
  const stopped = untilStopped(orchestrator, { signals: process, clock: systemClock, print });
  await orchestrator.start();
  print(
    banner({
      version: chorusVersion,
      url: orchestrator.url,
      model: plan.model,
      summary: plan.summary,
      simulated: orchestrator.simulated,
      keyFile: orchestrator.apiKey?.file ?? null,
      stateDir: options.stateDir,
    }),
  );
  const progress = new EngineProgress(print);
  orchestrator.onChange(() => progress.show(orchestrator.status().engines));
  process.exitCode = await stopped;
}

function configLines({ file, warnings }: LoadedConfig): readonly string[] {
  return [...(file === null ? [] : [`Settings of ${file}.`]), ...warnings];
}

/** Serving without memory is better than not serving, except where two servers or a newer version own the file. */
const FATAL_STORE_PROBLEMS = ['in_use', 'corrupt', 'newer_schema'];

async function openStore({ stateDir }: ServeOptions, print: Print): Promise<ResponseStore | null> {
  const opening = await openResponseStore({ directory: join(stateDir, 'store'), clock: systemClock });
  if (opening.kind === 'opened') return opening.store;
  const { code, message, remedy } = opening.problem;
  if (FATAL_STORE_PROBLEMS.includes(code)) throw new Refusal('unavailable', `${message} ${remedy}`);
  print(`Responses are not stored (store: false for every request): ${message} ${remedy}`);
  return null;
}

function dependencies({ stateDir }: ServeOptions): Omit<ChorusDeps, 'store'> {
  const logger = createLogger(join(stateDir, 'chorus.log'), (line) => console.error(line));
  return { clock: systemClock, logger, environment: process.env, random: Math.random };
}
