import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { leftoverGroups } from '../engine/run-record.ts';
import { readKernelLog } from '../gpu/kernel-log.ts';
import { KernelLogReader, type KernelLogEvent } from '../gpu/kernel-log-lines.ts';
import { findPrograms } from '../setup/find-program.ts';
import { isAccessible } from '../system/is-accessible.ts';
import { describePortHolder } from '../system/port-holder.ts';
import { livingServer } from '../system/state-directory.ts';
import { readVocabulary } from '../system/vocabulary.ts';

/** What the doctor reads from the machine itself. A figure that cannot be read is null. */
export interface MachineFacts {
  readonly nodeVersion: string;
  readonly platform: string;
  /** As Node says: `x64`, `arm64`. */
  readonly architecture: string;
  /** `2.36`; null where the C library is another. */
  readonly glibcVersion: string | null;
  /** Path of a C compiler, or null. */
  readonly compiler: string | null;
  /** SHA-256 of the vocabulary file, or null when it cannot be read. */
  readonly vocabularySha256: string | null;
  readonly port: PortFact;
  /** The folder that is there already and would hold the state directory, and whether this user may write in it. */
  readonly stateParent: { readonly folder: string; readonly isWritable: boolean };
  /** Size of /dev/shm. */
  readonly sharedMemoryBytes: number | null;
  readonly maxOpenFiles: number | null;
  readonly maxLockedBytes: number | null;
  readonly kernelLog: KernelLogFact;
  /** Process groups of engines whose Chorus was killed. */
  readonly leftovers: readonly number[];
}

/** Whether the listener's address is free. `holder` names who has it, where /proc tells. */
export type PortFact =
  | { readonly kind: 'free' }
  | { readonly kind: 'taken'; readonly holder: string | null }
  | { readonly kind: 'unusable'; readonly message: string };

/** What the kernel has logged of NVIDIA cards since it started, as far as it still holds it. */
export type KernelLogFact =
  | { readonly kind: 'read'; readonly events: readonly KernelLogEvent[] }
  | { readonly kind: 'unreadable'; readonly message: string };

export interface MachineSubject {
  readonly stateDir: string;
  readonly host: string;
  readonly port: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Reads everything side by side, changes nothing, never rejects. */
export async function readMachineFacts({ stateDir, host, port, environment }: MachineSubject): Promise<MachineFacts> {
  const [compilers, portFact, stateParent, sharedMemoryBytes, limits, kernelLogFact] = await Promise.all([
    Promise.all(['cc', 'gcc', 'clang'].map((name) => findPrograms(name, environment))),
    askPort({ stateDir, host, port }),
    findStateParent(stateDir),
    sharedMemory(),
    readFile('/proc/self/limits', 'utf8').catch(() => ''),
    kernelLog(),
  ]);
  return {
    nodeVersion: process.versions.node,
    platform: process.platform,
    architecture: process.arch,
    glibcVersion: glibcVersion(),
    compiler: compilers.flat()[0] ?? null,
    vocabularySha256: vocabularySha256(),
    port: portFact,
    stateParent,
    sharedMemoryBytes,
    maxOpenFiles: softLimit(limits, 'Max open files'),
    maxLockedBytes: softLimit(limits, 'Max locked memory'),
    kernelLog: kernelLogFact,
    leftovers: leftoverGroups(stateDir),
  };
}

/** The report's header alone: its network part may take seconds. */
function glibcVersion(): string | null {
  Object.assign(process.report, { excludeNetwork: true });
  const report = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime ?? null;
}

function vocabularySha256(): string | null {
  try {
    return createHash('sha256').update(readVocabulary()).digest('hex');
  } catch {
    return null;
  }
}

/** Binds for a moment: nothing else tells for certain. */
async function askPort({ stateDir, host, port }: Omit<MachineSubject, 'environment'>): Promise<PortFact> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, exclusive: true }, resolve);
    });
    return { kind: 'free' };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'EADDRINUSE'
      ? { kind: 'taken', holder: portHolder(stateDir, port) }
      : { kind: 'unusable', message };
  } finally {
    server.close();
  }
}

/** A server of this very state directory is no stranger. */
function portHolder(stateDir: string, port: number): string | null {
  const server = knownServer(stateDir);
  if (server === null || URL.parse(server.url)?.port !== String(port)) return describePortHolder(port);
  return `the Chorus of ${stateDir} (pid ${server.pid}), which serves already: chorus status shows it`;
}

/** A state directory that this user may not read is a verdict of its own. */
function knownServer(stateDir: string): ReturnType<typeof livingServer> {
  try {
    return livingServer(stateDir);
  } catch {
    return null;
  }
}

async function findStateParent(folder: string): Promise<MachineFacts['stateParent']> {
  const exists = await isAccessible(folder);
  if (!exists && dirname(folder) !== folder) return findStateParent(dirname(folder));
  return { folder, isWritable: await isAccessible(folder, constants.W_OK | constants.X_OK) };
}

async function sharedMemory(): Promise<number | null> {
  const found = await statfs('/dev/shm').catch(() => null);
  return found === null ? null : found.blocks * found.bsize;
}

async function kernelLog(): Promise<KernelLogFact> {
  try {
    const reader = new KernelLogReader();
    const lines = await readKernelLog('/dev/kmsg');
    return { kind: 'read', events: lines.flatMap((line) => reader.read(line) ?? []) };
  } catch (error) {
    return { kind: 'unreadable', message: `/dev/kmsg cannot be read (${(error as NodeJS.ErrnoException).code})` };
  }
}

/** `proc_pid_limits(5)`: name, soft limit, hard limit, unit, in columns. */
function softLimit(limits: string, name: string): number | null {
  const soft = new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(limits)?.[1];
  if (soft === undefined) return null;
  return soft === 'unlimited' ? Infinity : Number(soft);
}
