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
  const proxy = (name: string): string => withScheme(variable(name) || (isHttp ? all : ''));
  return {
    endpoint: (environment['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, ''),
    token: readToken(environment, home),
    offline: TRUE.test(environment['HF_HUB_OFFLINE'] ?? ''),
    cacheFolder: environment['HF_HUB_CACHE'] || join(home, 'hub'),
    httpProxy: proxy('HTTP_PROXY'),
    httpsProxy: proxy('HTTPS_PROXY'),
    noProxy: variable('NO_PROXY'),
    stallMs: STALL_MS,
  };
}

/** `proxy:3128` is the proxy that curl, pip and uv take it for. */
function withScheme(proxy: string): string {
  return proxy === '' || proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** What makes settings unusable, as a sentence, or null. */
export function findSettingsProblem({ endpoint, token, httpProxy, httpsProxy }: HubSettings): string | null {
  if (!isUrl(endpoint, /^https?:$/)) return `HF_ENDPOINT is ${endpoint}, which is no web address.`;
  // Neither a proxy's password nor the token is for a log.
  const isProxy = (value: string): boolean => value === '' || isUrl(value, /^(https?|socks5?):$/);
  if (![httpProxy, httpsProxy].every(isProxy)) return 'HTTP_PROXY, HTTPS_PROXY or ALL_PROXY is no address of a proxy.';
  if (token !== null && !/^[\x21-\x7e]+$/.test(token))
    return 'The token of the hub holds characters that no token has.';
  return null;
}

function isUrl(text: string, protocol: RegExp): boolean {
  return protocol.test(URL.parse(text)?.protocol ?? '');
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
