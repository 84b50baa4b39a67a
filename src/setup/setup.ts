import type { SetupDeps, SetupPlan, SetupProgress, SetupResult } from './setup-plan.ts';

export interface SetupRun {
  readonly onProgress: (progress: SetupProgress) => void;
  readonly signal: AbortSignal;
}

/**
 * Does what the plan says, installing and downloading side by side, and resolves with what engines are started with.
 * Nothing to do resolves at once. Rejects with a `SetupFailure` that names the remedy; an abort ends uv or pip and
 * rejects with the signal's reason. What was finished stays finished, and the next run goes on from there.
 */
export function runSetup(plan: SetupPlan, _deps: SetupDeps, { signal }: SetupRun): Promise<SetupResult> {
  signal.throwIfAborted();
  const { environment, model } = plan;
  if (environment?.kind !== 'existing' || model.kind !== 'existing') {
    return Promise.reject(new Error('Installing and downloading are not there yet.'));
  }
  return Promise.resolve({ python: environment.python, modelPath: model.path });
}
