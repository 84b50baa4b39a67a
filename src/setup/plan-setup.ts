import { basename } from 'node:path';
import { MODELS } from '../domain/model.ts';
import { formatBytes } from '../domain/units.ts';
import { chooseWheel, VLLM_VERSION, type Wheel } from './choose-wheel.ts';
import { remedyOf, type SetupFailureCode } from './failure.ts';
import type {
  EnvironmentPlan,
  ModelPlan,
  SetupBlocker,
  SetupFacts,
  SetupPlan,
  SetupWish,
  VllmFound,
} from './setup-plan.ts';
import { environmentFolder, interpreterIn, modelFolder } from './state-tree.ts';

/** Of what is to be downloaded: file systems want some room to breathe, and logs and caches grow beside it. */
const DISK_MARGIN = 1.1;
/** `return_token_ids` came with it (vLLM's completions protocol), without which Chorus cannot read what was generated. */
const OLDEST_VLLM = [0, 10, 2] as const;

/** Decides what to install and download, with the reason for each. Pure: the same facts give the same plan. */
export function planSetup(wish: SetupWish, facts: SetupFacts): SetupPlan {
  const { environment, blockers, notices } = planEnvironment(wish, facts);
  const model = planModel(wish, facts);
  const requiredBytes = Math.ceil(
    (environment?.kind === 'install' ? Math.max(0, environment.estimatedBytes - facts.leftoverBytes) : 0) +
      (model.kind === 'download' ? model.missingBytes * DISK_MARGIN : 0),
  );
  return {
    wish,
    environment,
    model,
    requiredBytes,
    freeBytes: facts.freeBytes,
    notices: [...notices, ...hubNotices(model, facts)],
    blockers: [...blockers, ...modelBlockers(model, facts), ...diskBlockers(requiredBytes, wish, facts)],
  };
}

interface EnvironmentDecision {
  readonly environment: EnvironmentPlan | null;
  readonly blockers: readonly SetupBlocker[];
  readonly notices: readonly string[];
}

const blocked = (code: SetupFailureCode, sentence: string): EnvironmentDecision => ({
  environment: null,
  blockers: [{ code, sentence, remedy: remedyOf(code) }],
  notices: [],
});

/** A named interpreter, then an own environment, then `vllm` on the PATH, then a new environment. */
function planEnvironment(wish: SetupWish, facts: SetupFacts): EnvironmentDecision {
  if (wish.python !== null) return namedEnvironment(wish.python, wish, facts);
  const wheel = chooseWheel(wish.engine, wish.driverVersion);
  if ('code' in wheel) return { environment: null, blockers: [wheel], notices: [] };
  const folder = environmentFolder(wish.stateDir, wheel);
  const notices = wheel.isFallback ? [wheel.reason] : [];
  if (facts.ownEnvironments.some((own) => basename(own) === basename(folder))) {
    const reason = `An earlier setup installed vLLM ${wheel.version} into ${folder}.`;
    const environment = { kind: 'existing', python: interpreterIn(folder), version: wheel.version, reason } as const;
    return { environment, blockers: [], notices };
  }
  const { existing } = facts;
  if (existing?.version && !isTooOld(existing.version) && fits(existing, wish)) {
    const reason = `vLLM ${existing.version} is on the PATH (${existing.python}).`;
    const environment = { kind: 'existing', python: existing.python, version: existing.version, reason } as const;
    return { environment, blockers: [], notices: untested(existing.version) };
  }
  return newEnvironment(wheel, folder, facts);
}

function namedEnvironment(python: string, wish: SetupWish, { existing }: SetupFacts): EnvironmentDecision {
  const version = existing?.version ?? null;
  if (existing === null || version === null) return blocked('vllm_unusable', `${python} has no vLLM, or does not run.`);
  if (isTooOld(version)) {
    return blocked('vllm_unusable', `vLLM ${version} of ${python} is too old: ${OLDEST_VLLM.join('.')} is needed.`);
  }
  if (existing.isCpuBuild && wish.engine === 'gpu') {
    return blocked('vllm_unusable', `${python} has the CPU build of vLLM, which knows no GPU.`);
  }
  const environment = { kind: 'existing', python, version, reason: `--python names ${python}.` } as const;
  return { environment, blockers: [], notices: untested(version) };
}

const fits = ({ isCpuBuild }: VllmFound, { engine }: SetupWish): boolean => isCpuBuild === (engine === 'cpu');

function newEnvironment(wheel: Wheel, folder: string, facts: SetupFacts): EnvironmentDecision {
  const { uv, pythons, leftoverBytes } = facts;
  const [python] = pythons;
  if (uv === null && python === undefined) {
    return blocked('python_missing', 'There is neither uv nor a Python 3.10 to 3.14 on the PATH.');
  }
  if (uv === null && python?.hasVenv === false) {
    return blocked('venv_missing', `Python ${python.version} (${python.file}) cannot make environments.`);
  }
  const how = uv === null ? `${python?.file} makes the environment: there is no uv.` : `uv ${uv.version} is here.`;
  const leftover = leftoverBytes > 0 ? ` ${formatBytes(leftoverBytes)} of an unfinished one are removed first.` : '';
  const environment: EnvironmentPlan = {
    kind: 'install',
    folder,
    python: interpreterIn(folder),
    installer: uv === null ? 'pip' : 'uv',
    commands:
      uv === null
        ? pipCommands(wheel, folder, python?.file ?? 'python3')
        : uvCommands(wheel, folder, {
            uv: uv.file,
            python: pythons.find(({ hasHeaders }) => hasHeaders)?.file ?? null,
          }),
    version: wheel.version,
    cudaMajor: wheel.cudaMajor,
    estimatedBytes: wheel.estimatedBytes,
    reason: `${wheel.reason} ${how}${leftover}`,
  };
  const lacksHeaders = uv === null && python?.hasHeaders === false && wheel.cudaMajor !== null;
  const headers = lacksHeaders ? [`${python.file} ${NO_HEADERS}`] : [];
  return { environment, blockers: [], notices: [...(wheel.isFallback ? [wheel.reason] : []), ...headers] };
}

const NO_HEADERS =
  'has no Python.h, without which Triton cannot compile: install it (Debian and Ubuntu: sudo apt install python3-dev), or uv.';

/**
 * A Python with its headers that is here already needs no download; else uv finds or fetches 3.12, which vLLM's guide
 * uses. uv writes no byte code by itself, which would cost every process of every start half a minute.
 */
function uvCommands(
  wheel: Wheel,
  folder: string,
  { uv, python }: { readonly uv: string; readonly python: string | null },
): string[][] {
  const target = ['--python', interpreterIn(folder)];
  return [
    [uv, 'venv', '--python', python ?? '3.12', '--seed', folder],
    [uv, 'pip', 'install', ...target, '--compile-bytecode', ...wheel.uvArguments, wheel.requirement],
  ];
}

function pipCommands(wheel: Wheel, folder: string, python: string): string[][] {
  const quiet = ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off'];
  return [
    [python, '-m', 'venv', folder],
    [interpreterIn(folder), '-m', 'pip', 'install', ...quiet, ...wheel.pipArguments, wheel.requirement],
  ];
}

/** Compared number by number; what is no number (`0.33.0rc1`, `+cu129`) counts as its leading digits. */
function isTooOld(version: string): boolean {
  const numbers = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const at = OLDEST_VLLM.findIndex((wanted, position) => (numbers[position] ?? 0) !== wanted);
  return at !== -1 && (numbers[at] ?? 0) < (OLDEST_VLLM[at] ?? 0);
}

function untested(version: string): string[] {
  const release = (text: string): string => text.split('.').slice(0, 2).join('.');
  if (release(version) === release(VLLM_VERSION)) return [];
  return [`vLLM ${version} is used as it is; Chorus is tested with ${VLLM_VERSION}.`];
}

const FOUND_IN = {
  flag: '--model-path names it.',
  state: 'An earlier setup downloaded it.',
  hugging_face_cache: 'It is whole in the Hugging Face cache.',
} as const;

function planModel({ model, stateDir }: SetupWish, facts: SetupFacts): ModelPlan {
  const { model: found, listing, presentBytes, hub } = facts;
  if (found !== null) return { kind: 'existing', path: found.path, reason: FOUND_IN[found.source] };
  const totalBytes = listing?.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) ?? MODELS[model].diskBytes;
  const here = presentBytes > 0 ? `, ${formatBytes(presentBytes)} of it are here` : '';
  return {
    kind: 'download',
    repository: MODELS[model].repository,
    endpoint: hub.endpoint,
    folder: modelFolder(stateDir, model),
    listing,
    hubProblem: facts.hubProblem,
    totalBytes,
    missingBytes: totalBytes - presentBytes,
    reason: `${model} is not on this machine${here}.`,
  };
}

function hubNotices(model: ModelPlan, { hub, hubProblem }: SetupFacts): string[] {
  if (model.kind === 'existing' || hub.offline || hubProblem === null) return [];
  const why = `${hubProblem.sentence} ${hubProblem.remedy}`;
  return [`The size of ${model.repository} is the catalogue's, because the hub does not tell it. ${why}`];
}

function modelBlockers(model: ModelPlan, { hub }: SetupFacts): SetupBlocker[] {
  if (model.kind === 'existing' || !hub.offline) return [];
  const sentence = `${model.repository} is not on this machine, and HF_HUB_OFFLINE forbids to download it.`;
  return [{ code: 'offline', sentence, remedy: remedyOf('offline') }];
}

function diskBlockers(requiredBytes: number, { stateDir }: SetupWish, { freeBytes }: SetupFacts): SetupBlocker[] {
  if (freeBytes === null || freeBytes >= requiredBytes) return [];
  const sentence = `${formatBytes(requiredBytes)} are needed at ${stateDir}, ${formatBytes(freeBytes)} are free.`;
  return [{ code: 'disk_full', sentence, remedy: remedyOf('disk_full') }];
}
