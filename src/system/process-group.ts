import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type Clock, sleep } from '../domain/clock.ts';

const POLL_MS = 20;
/** The kernel's USER_HZ, which is 100 wherever Node.js runs. */
const TICKS_PER_SECOND = 100;
/** Node.js starts its own count of time a little after the process began; ids do not come round again within a second. */
const SEEN_SLACK_TICKS = TICKS_PER_SECOND;

/** Sends `signal` to every process of a group. False when there is none, or none that this user may signal. */
export function signalGroup(groupId: number, signal: NodeJS.Signals): boolean {
  return sendSignal(-groupId, signal);
}

/** Sends `signal` to the leader of a group, if that very process still lives. */
export function signalLeader({ groupId, leaderStartTicks }: ProcessGroup, signal: NodeJS.Signals): void {
  if (isAlive({ pid: groupId, startTicks: leaderStartTicks })) sendSignal(groupId, signal);
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

/** A process group, told apart from a later one that got the same id. */
export interface ProcessGroup {
  /** The id, and that of its leader. */
  readonly groupId: number;
  /** When the leader began; null where /proc did not tell, and then nothing is known to belong to it. */
  readonly leaderStartTicks: number | null;
  /** The last time that the group was known to be this one, in ticks since boot. */
  readonly seenAtTicks: number;
}

/** The group that `leader` leads: a process that lives, or of which nobody has taken the exit yet. */
export function groupOf(leader: number): ProcessGroup {
  return { groupId: leader, leaderStartTicks: readStat(leader)?.startTicks ?? null, seenAtTicks: ticksNow() };
}

/** The same group, known to exist until this moment: its leader lives, or its end was told just now. */
export function seenNow(group: ProcessGroup): ProcessGroup {
  return { ...group, seenAtTicks: ticksNow() };
}

/**
 * Living processes that certainly are of this group: with its leader alive, all; without it, all if one of them was
 * there when the group was last seen. The kernel gives a group's id to nobody else while any process is in the group, so
 * that one proves the others; without such a one the id may be a stranger's by now.
 */
export function provenMembers({ groupId, leaderStartTicks, seenAtTicks }: ProcessGroup): number[] {
  const members = groupMembers(groupId);
  const leaderTicks = processStartTicks(groupId);
  if (leaderTicks !== null) return leaderTicks === leaderStartTicks ? members : [];
  const wasThere = (pid: number): boolean => (processStartTicks(pid) ?? Infinity) <= seenAtTicks + SEEN_SLACK_TICKS;
  return leaderStartTicks !== null && members.some(wasThere) ? members : [];
}

/** Sends SIGKILL to the group, unless nothing proves that it still is this one. */
export function killGroup(group: ProcessGroup): void {
  if (provenMembers(group).length > 0) signalGroup(group.groupId, 'SIGKILL');
}

/**
 * Ends a group with SIGKILL and waits until no process of it lives. Resolves with the pids that still live after
 * `deadlineMs` (they hang in the kernel), normally none.
 */
export async function sweepGroup(group: ProcessGroup, clock: Clock, deadlineMs: number): Promise<number[]> {
  const endMs = clock.monotonicMs() + deadlineMs;
  for (;;) {
    killGroup(group);
    const members = provenMembers(group);
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

/**
 * Ticks since boot, on the scale of `startTicks`: from this process's own start, because a container may show an uptime
 * of its own. 0 without /proc.
 */
function ticksNow(): number {
  const ownStart = processStartTicks(process.pid);
  return ownStart === null ? 0 : ownStart + Math.floor(process.uptime() * TICKS_PER_SECOND);
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
