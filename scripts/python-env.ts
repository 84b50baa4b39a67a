/** What the environments that tests and examples make for Python have in common. */
import { execa } from 'execa';

/** Makes one in `folder` with the first Python that will do. Rejects with what is missing and what to do. */
export async function makeVirtualEnvironment(folder: string): Promise<void> {
  const python = await findPython();
  try {
    await execa(python, ['-m', 'venv', folder]);
  } catch (error) {
    throw new Error(
      `${python} cannot make a virtual environment. Install its venv module (Debian and Ubuntu: apt install python3-venv).`,
      { cause: error },
    );
  }
}

/** The first Python 3.11 to 3.14 on the path: what the wheels of torch and vLLM are built for. */
async function findPython(): Promise<string> {
  const seen: string[] = [];
  for (const name of ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11']) {
    const { stdout, failed } = await execa(name, ['-c', 'import sys; print(*sys.version_info[:2])'], { reject: false });
    const [major, minor] = stdout.split(' ').map(Number);
    if (failed || major === undefined || minor === undefined) continue;
    if (major === 3 && minor >= 11 && minor <= 14) return name;
    seen.push(`${name} is ${major}.${minor}`);
  }
  const found = seen.length === 0 ? 'there is no python3 on the path' : seen.join(', ');
  throw new Error(`Python 3.11 to 3.14 is needed; ${found}. Install one of them with its venv module.`);
}

/** What to do where pip finds no package. */
export const PIP_REMEDY = "set it in pip's own configuration (pip config, PIP_INDEX_URL, PIP_FIND_LINKS).";

/** Null, or the last lines that pip said. */
export async function installPackages(python: string, packages: readonly string[]): Promise<string | null> {
  const quiet = ['--quiet', '--no-warn-conflicts', '--disable-pip-version-check', '--no-compile'];
  const { failed, stderr } = await execa(python, ['-m', 'pip', 'install', ...quiet, ...packages], { reject: false });
  return failed ? stderr.split('\n').slice(-12).join('\n') : null;
}

/** Runs named steps one after another and reports each with its duration. */
export function timedSteps(
  subject: string,
  report: (line: string) => void,
): (name: string, work: () => Promise<unknown>) => Promise<void> {
  return async (name, work) => {
    report(`${subject}: ${name} …`);
    const startedAtMs = performance.now();
    await work();
    report(`${subject}: ${name}: ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
  };
}
