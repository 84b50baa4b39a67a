import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type Clock, sleep } from '../domain/clock.ts';

const POLL_MS = 20;

/** Sends `signal` to every process of a group. False when there is none, or none that this user may signal. */
export function signalGroup(groupId: number, signal: NodeJS.Signals): boolean {
  return sendSignal(-groupId, signal);
}

/** Sends `signal` to one process. False when it is gone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  return sendSignal(pid, signal);
}

/**
 * Pids of a group's living processes. Zombies do not count: they hold nothing and wait only for their parent.
 * Without /proc the group's own id stands for whoever lives in it.
 */
export function groupMembers(groupId: number): number[] {
  if (!existsSync('/proc')) return sendSignal(-groupId, 0) ? [groupId] : [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    const stat = readStat(pid);
    return stat !== null && stat.groupId === groupId && stat.state !== 'Z' && stat.state !== 'X';
  });
}

/**
 * Ends a group with SIGKILL and waits until no process of it lives. Resolves with the pids that still live after
 * `deadlineMs` (they hang in the kernel), normally none.
 */
export async function sweepGroup(groupId: number, clock: Clock, deadlineMs: number): Promise<number[]> {
  const endMs = clock.monotonicMs() + deadlineMs;
  for (;;) {
    signalGroup(groupId, 'SIGKILL');
    const members = groupMembers(groupId);
    if (members.length === 0 || clock.monotonicMs() >= endMs) return members;
    await sleep(clock, POLL_MS);
  }
}

interface ProcessStat {
  readonly state: string;
  readonly groupId: number;
  /** Clock ticks from boot to its start: with the pid, the identity of a process. */
  readonly startTicks: number;
}

/** A process and when it began: ids are used again, so a pid alone may have become another's. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Null for one that was gone already, or where /proc does not tell: it counts as gone. */
  readonly startTicks: number | null;
}

/** The process that has this id now. */
export function identify(pid: number): ProcessIdentity {
  return { pid, startTicks: processStartTicks(pid) };
}

/** Whether that very process still lives. */
export function isAlive({ pid, startTicks }: ProcessIdentity): boolean {
  return startTicks !== null && processStartTicks(pid) === startTicks;
}

/** When a living process began, in clock ticks since boot; null when there is no such process (a zombie is none). */
export function processStartTicks(pid: number): number | null {
  const stat = readStat(pid);
  return stat === null || stat.state === 'Z' || stat.state === 'X' ? null : stat.startTicks;
}

/** `/proc/PID/stat` (proc_pid_stat(5)): the name in parentheses may hold spaces and parentheses itself. */
function readStat(pid: number): ProcessStat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', groupId: Number(fields[2]), startTicks: Number(fields[19]) };
  } catch {
    return null; // it ended between the listing and the reading
  }
}

function sendSignal(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    return false; // ESRCH: gone; EPERM: became another user's
  }
}
