import { formatBytes, GiB } from '../domain/units.ts';
import { exitReasonOf } from '../setup/failure.ts';
import type { SetupBlocker, SetupPlan } from '../setup/setup-plan.ts';
import { fail, ok, skip, warn, type Verdict } from './check.ts';

/** For the simulator, and where both interpreter and weights were named. */
const NOTHING_TO_SET_UP = 'nothing is to be installed or downloaded';
/** The compile cache and logs beside what is installed and downloaded. */
const SCRATCH_BYTES = 5 * GiB;

/** vLLM is there, or can be installed. */
export function checkVllm(setup: SetupPlan | null): Verdict {
  if (setup === null) return skip(NOTHING_TO_SET_UP);
  const { environment } = setup;
  const blocker = setup.blockers.find(({ code }) => ['python_missing', 'venv_missing', 'vllm_unusable'].includes(code));
  if (blocker !== undefined) return failOf(blocker);
  if (environment === null) return skip('no build of vLLM runs on this driver');
  if (environment.kind === 'install') {
    const { version, installer, estimatedBytes } = environment;
    return ok(
      `not installed yet: serve and setup install ${version} with ${installer}, about ${formatBytes(estimatedBytes)}`,
    );
  }
  const value = `vLLM ${environment.version} (${environment.python})`;
  const untested = setup.notices.find((notice) => notice.startsWith('vLLM '));
  return untested === undefined
    ? ok(value)
    : warn(untested, 'Leave --python out, and Chorus installs the one it is tested with.');
}

/** The weights are here, or the hub gives them. */
export function checkWeights(setup: SetupPlan | null): Verdict {
  if (setup === null) return skip(NOTHING_TO_SET_UP);
  const { model, wish } = setup;
  if (model.kind === 'existing') return ok(`${wish.model} is at ${model.path}`);
  const offline = setup.blockers.find(({ code }) => code === 'offline');
  if (offline !== undefined) return failOf(offline);
  if (model.hubProblem !== null) {
    const { code, sentence, remedy } = model.hubProblem;
    const value = `${wish.model} is not here, and the hub does not give it.`;
    return fail(value, `${sentence} ${remedy}`, exitReasonOf(code));
  }
  return ok(`not here yet: serve and setup download ${formatBytes(model.missingBytes)} from ${model.endpoint}`);
}

/** There is room for what is missing. */
export function checkDisk(setup: SetupPlan | null): Verdict {
  if (setup === null) return skip(NOTHING_TO_SET_UP);
  const { requiredBytes, freeBytes, wish, blockers } = setup;
  if (freeBytes === null) return skip(`how much is free at ${wish.stateDir} cannot be told`);
  const full = blockers.find(({ code }) => code === 'disk_full');
  if (full !== undefined) return failOf(full);
  const value = `${formatBytes(freeBytes)} are free at ${wish.stateDir}, ${formatBytes(requiredBytes)} are needed`;
  if (freeBytes >= requiredBytes + SCRATCH_BYTES) return ok(value);
  return warn(`${value}.`, `Make room: caches and logs want ${formatBytes(SCRATCH_BYTES)} more.`);
}

const failOf = ({ code, sentence, remedy }: SetupBlocker): Verdict => fail(sentence, remedy, exitReasonOf(code));
