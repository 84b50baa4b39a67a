import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** How the hub is reached, as huggingface_hub would read it from the same environment. */
export interface HubSettings {
  /** Without a slash at the end. */
  readonly endpoint: string;
  readonly token: string | null;
  /** Nothing may be asked or downloaded (`HF_HUB_OFFLINE`). */
  readonly offline: boolean;
  /** Folder with `models--ORG--NAME` folders. */
  readonly cacheFolder: string;
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
  /** Silence after which a transfer counts as broken. */
  readonly stallMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Long enough for a hub that is waking up, short enough that nobody stares at a still line for minutes. */
const STALL_MS = 30_000;
const TRUE = /^(1|true|yes|on)$/i;

/** Reads `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`, `HF_HOME`, `HF_HUB_CACHE` and the proxies. */
export function readHubSettings(environment: Environment): HubSettings {
  const home = hubHome(environment);
  const variable = (name: string): string => environment[name.toLowerCase()] ?? environment[name] ?? '';
  const all = variable('ALL_PROXY');
  const isHttp = /^https?:/.test(all);
  return {
    endpoint: (environment['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, ''),
    token: readToken(environment, home),
    offline: TRUE.test(environment['HF_HUB_OFFLINE'] ?? ''),
    cacheFolder: environment['HF_HUB_CACHE'] || join(home, 'hub'),
    httpProxy: variable('HTTP_PROXY') || (isHttp ? all : ''),
    httpsProxy: variable('HTTPS_PROXY') || (isHttp ? all : ''),
    noProxy: variable('NO_PROXY'),
    stallMs: STALL_MS,
  };
}

function hubHome(environment: Environment): string {
  const home = environment['HOME'] || homedir();
  return environment['HF_HOME'] || join(environment['XDG_CACHE_HOME'] || join(home, '.cache'), 'huggingface');
}

/** Where `hf auth login` leaves it, unless the environment names one. */
function readToken(environment: Environment, home: string): string | null {
  const named = environment['HF_TOKEN'] || environment['HUGGING_FACE_HUB_TOKEN'];
  if (named) return named.trim();
  try {
    return readFileSync(environment['HF_TOKEN_PATH'] || join(home, 'token'), 'utf8').trim() || null;
  } catch {
    return null; // no one has logged in
  }
}
