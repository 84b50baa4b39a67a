import { commonReason, Refusal } from '../domain/refusal.ts';
import { makeStateDirectory } from '../system/state-directory.ts';
import { downloadModel } from './download-model.ts';
import { exitReasonOf } from './failure.ts';
import { Hub } from './hub.ts';
import { readHubSettings } from './hub-settings.ts';
import { installVllm } from './install-vllm.ts';
import { takeSetupLock } from './setup-lock.ts';
import type { EnvironmentPlan, ModelPlan, SetupDeps, SetupPlan, SetupProgress, SetupResult } from './setup-plan.ts';

export interface SetupRun {
  readonly onProgress: (progress: SetupProgress) => void;
  readonly signal: AbortSignal;
}

/**
 * Does what the plan says, installing and downloading side by side, and resolves with what engines are started with.
 * Nothing to do resolves at once. Rejects with a `Refusal` for a plan with blockers and with a `SetupFailure` that names
 * the remedy; an abort ends uv or pip and rejects with the signal's reason. The first failure ends the other step too.
 * What was finished stays finished, and the next run goes on from there.
 */
export async function runSetup(
  plan: SetupPlan,
  deps: SetupDeps,
  { onProgress, signal }: SetupRun,
): Promise<SetupResult> {
  signal.throwIfAborted();
  const { environment, model, wish } = plan;
  if (plan.blockers.length > 0 || environment === null) throw blockedRefusal(plan);
  if (environment.kind === 'existing' && model.kind === 'existing') {
    return { python: environment.python, modelPath: model.path };
  }
  makeStateDirectory(wish.stateDir);
  const lock = takeSetupLock(wish.stateDir);
  try {
    return await runSteps({ environment, model, stateDir: wish.stateDir }, deps, { onProgress, signal });
  } finally {
    lock[Symbol.dispose]();
  }
}

interface Steps {
  readonly environment: EnvironmentPlan;
  readonly model: ModelPlan;
  readonly stateDir: string;
}

async function runSteps({ environment, model, stateDir }: Steps, deps: SetupDeps, run: SetupRun): Promise<SetupResult> {
  const failed = new AbortController();
  const either = { onProgress: run.onProgress, signal: AbortSignal.any([run.signal, failed.signal]) };
  const steps = [prepareEnvironment(environment, stateDir, deps, either), prepareModel(model, deps, either)] as const;
  for (const step of steps) step.catch((error: unknown) => failed.abort(error));
  // Both have ended before the lock goes.
  await Promise.allSettled(steps);
  either.signal.throwIfAborted();
  const [python, modelPath] = await Promise.all(steps);
  return { python, modelPath };
}

/** Everything that stands in the way, each with its remedy. */
export function blockedRefusal({ blockers }: SetupPlan): Refusal {
  const reason = commonReason(blockers.map(({ code }) => exitReasonOf(code)));
  return new Refusal(reason, blockers.map(({ sentence, remedy }) => `${sentence} ${remedy}`).join('\n  '));
}

async function prepareEnvironment(
  environment: EnvironmentPlan,
  stateDir: string,
  deps: SetupDeps,
  run: SetupRun,
): Promise<string> {
  if (environment.kind === 'existing') return environment.python;
  return installVllm({ plan: environment, stateDir, ...run }, deps);
}

async function prepareModel(model: ModelPlan, deps: SetupDeps, { onProgress, signal }: SetupRun): Promise<string> {
  if (model.kind === 'existing') return model.path;
  await using hub = new Hub(readHubSettings(deps.environment));
  const listing = model.listing ?? (await hub.list(model.repository, signal));
  return await downloadModel({ hub, listing, folder: model.folder, onProgress, signal }, deps);
}
