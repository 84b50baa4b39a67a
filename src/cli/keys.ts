import type { Command } from 'commander';
import type { KeyListing, KeyView } from '../access/named-keys.ts';
import { isLimited, MAX_LIMIT, type Limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { DAY_MS } from '../domain/units.ts';
import { systemClock } from '../system/clock.ts';
import { keyDesk } from './key-desk.ts';
import { addServerFlags, stateDirOf, type ServerFlags } from './server-client.ts';
import { formatTable } from './table.ts';

/** Where a command writes: what was asked for, and what is said about it. */
interface Output {
  readonly print: (text: string) => void;
  readonly note: (text: string) => void;
}

type LimitFlags = ServerFlags & Partial<Record<keyof Limits, string>>;
type CreateFlags = LimitFlags & { readonly project?: string; readonly expires?: string };

/** Adds `chorus keys create`, `list`, `revoke` and `limit-project`; they work with and without a running server. */
export function addKeyCommands(program: Command, output: Output): void {
  const keys = program.command('keys').description('the keys of callers, their projects and their limits');
  addLimitFlags(addServerFlags(keys.command('create').argument('<name>', 'what to call it')))
    .description('make a key and print it, this once')
    .option('--project <name>', 'whose responses and usage it sees and counts to', 'default')
    .option('--expires <duration>', 'how long it works, such as 30d or 12h (default: until it is revoked)')
    .action((name: string, flags: CreateFlags) => create(name, flags, output));
  addServerFlags(keys.command('list'))
    .description('every key, without its secret, and the limits of projects')
    .action((flags: ServerFlags) => list(flags, output));
  addServerFlags(keys.command('revoke').argument('<key>', 'its id or name'))
    .description('end a key; requests that run go on')
    .action((key: string, flags: ServerFlags) => revoke(key, flags, output));
  addLimitFlags(addServerFlags(keys.command('limit-project').argument('<project>')))
    .description('give a project limits of its own; what is not named is as the settings say')
    .action((project: string, flags: LimitFlags) => limitProject(project, flags, output));
}

function addLimitFlags(command: Command): Command {
  return command
    .option('--requests-per-minute <n>', 'requests that may be begun in a minute')
    .option('--tokens-per-minute <n>', 'tokens of prompts and outputs in a minute')
    .option('--concurrent <n>', 'requests that may run at once');
}

async function create(name: string, { project, expires, ...flags }: CreateFlags, output: Output): Promise<void> {
  const expiresAtMs = expires === undefined ? null : systemClock.nowMs() + durationMs(expires);
  const wish = { name, project, expiresAtMs, limits: limitsOf(flags) };
  const made = await keyDesk(await stateDirOf(flags)).create(wish);
  if (flags.json) return output.print(JSON.stringify(made, null, 2));
  output.print(made.key);
  output.note(`This is the key ${made.name} (${made.id}) of the project ${made.project}. It is not shown again.`);
}

async function list(flags: ServerFlags, { print }: Output): Promise<void> {
  const listing = await keyDesk(await stateDirOf(flags)).list();
  print(flags.json ? JSON.stringify(listing, null, 2) : describeKeys(listing, systemClock.nowMs()));
}

async function revoke(idOrName: string, flags: ServerFlags, { print }: Output): Promise<void> {
  const key = await keyDesk(await stateDirOf(flags)).revoke(idOrName);
  print(flags.json ? JSON.stringify(key, null, 2) : `The key ${key.name} (${key.id}) no longer works.`);
}

async function limitProject(project: string, flags: LimitFlags, { print }: Output): Promise<void> {
  const limits = limitsOf(flags);
  await keyDesk(await stateDirOf(flags)).limitProject(project, limits);
  if (flags.json) print(JSON.stringify({ project, limits }, null, 2));
  else print(`${project}: ${isLimited(limits) ? limitsInWords(limits) : 'as the settings say'}`);
}

/** The listing as a person reads it. */
export function describeKeys({ keys, projects }: KeyListing, nowMs: number): string {
  const rows = keys.map((key) => [
    key.id,
    key.name,
    key.project,
    dayOf(key.createdAtMs),
    expiryOf(key, nowMs),
    limitsInWords(key.limits),
  ]);
  const own = Object.entries(projects).map(([project, limits]) => `  ${project}: ${limitsInWords(limits)}`);
  return [
    keys.length === 0 ? 'There are no named keys.' : formatTable(KEY_COLUMNS, rows),
    ...(own.length === 0 ? [] : ['', 'Projects with limits of their own:', ...own]),
  ].join('\n');
}

const KEY_COLUMNS = ['ID', 'NAME', 'PROJECT', 'MADE', 'EXPIRES', 'LIMITS'];
const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

function expiryOf({ expiresAtMs }: KeyView, nowMs: number): string {
  if (expiresAtMs === null) return 'never';
  return expiresAtMs <= nowMs ? 'expired' : `${new Date(expiresAtMs).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

function limitsInWords({ requestsPerMinute, tokensPerMinute, concurrent }: Limits): string {
  const parts = [
    requestsPerMinute === null ? [] : `${requestsPerMinute} requests/min`,
    tokensPerMinute === null ? [] : `${tokensPerMinute} tokens/min`,
    concurrent === null ? [] : `${concurrent} at once`,
  ];
  return parts.flat().join(', ') || '-';
}

function limitsOf({ requestsPerMinute, tokensPerMinute, concurrent }: LimitFlags): Limits {
  return {
    requestsPerMinute: readLimit('--requests-per-minute', requestsPerMinute),
    tokensPerMinute: readLimit('--tokens-per-minute', tokensPerMinute),
    concurrent: readLimit('--concurrent', concurrent),
  };
}

function readLimit(flag: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const limit = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new Refusal('usage', `${flag} is '${text}'. Allowed: a whole number from 1 to ${MAX_LIMIT}.`);
}

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS };

function durationMs(text: string): number {
  const [, count, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const ms = Number(count) * (UNITS_MS[unit] ?? 0);
  if (ms > 0) return ms;
  throw new Refusal('usage', `--expires is '${text}'. Write a number of minutes, hours or days: 90m, 12h or 30d.`);
}
