/**
 * The Python clients that examples are written for and tests are made with, in a private environment: `.cache/` has one
 * for each list of packages, made once. As a script it makes it.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installPackages, makeVirtualEnvironment, PIP_REMEDY, timedSteps } from './python-env.ts';

const CLIENTS = [
  'openai==3.57.0',
  'openai-agents==0.24.0',
  'openai-harmony==0.0.8',
  'schemathesis==4.32.5',
  'litellm==1.110.2',
];
/** What LiteLLM's proxy imports. Its extra `proxy` has much more: databases, clouds, consoles. */
const PROXY = [
  'apscheduler==3.11.3',
  'backoff==2.2.1',
  'cryptography==50.0.2',
  'expression==5.8.0',
  'fastapi==0.165.0',
  'fastapi-sso==0.23.0',
  'orjson==3.13.0',
  'pyjwt==2.15.1',
  'pynacl==1.6.2',
  'python-multipart==0.0.34',
  'redis==8.1.0',
  'semver==3.1.2',
  'soundfile==0.14.0',
  'uvicorn==0.54.0',
  'uvloop==0.23.0',
  'websockets==16.1.1',
];

const packages = [...CLIENTS, ...PROXY];
const name = `python-clients-${createHash('sha256').update(packages.join()).digest('hex').slice(0, 8)}`;
const folder = join(fileURLToPath(new URL('..', import.meta.url)), '.cache', name);
/** Written last: a folder without it is half-made. */
const marker = join(folder, 'complete.json');
const python = join(folder, 'bin', 'python');

/** The environment's interpreter where it has been made, else null. */
export const clientsPython = (): string | null => (existsSync(marker) ? python : null);

/** Finds or makes the environment; its interpreter. Rejects with a sentence that says what is missing and what to do. */
export async function ensureClientsPython(report: (line: string) => void = () => {}): Promise<string> {
  if (clientsPython() !== null) return python;
  const step = timedSteps('clients', report);
  await rm(folder, { recursive: true, force: true });
  await step('virtual environment', () => makeVirtualEnvironment(folder));
  await step(CLIENTS.join(', '), async () => {
    const problem = await installPackages(python, packages);
    if (problem !== null) {
      throw new Error(
        `pip could not install the packages. It needs an index that has them; ${PIP_REMEDY} It said:\n${problem}`,
      );
    }
  });
  await writeFile(marker, JSON.stringify({ packages }));
  return python;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    console.log(await ensureClientsPython(console.log));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
