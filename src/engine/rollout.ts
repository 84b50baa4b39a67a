import type { Placement } from '../domain/placement.ts';
import type { LaunchSettings } from './command.ts';
import { isAsWanted, type Member } from './engine-maker.ts';
import type { EngineFailure } from './failures.ts';
import type { Roster } from './roster.ts';

/**
 * How a change of the fleet ended: `settled` every engine is the wanted one; `superseded` a newer change or the end of
 * Chorus came first; `held` an engine of the new kind has failed, and what serves is left as it is.
 */
export type Reconciliation =
  | { readonly kind: 'settled' | 'superseded' }
  | { readonly kind: 'held'; readonly engineId: string; readonly failure: EngineFailure };

/** One engine to be made, or none, and those that must be gone before. */
interface RolloutStep {
  readonly retire: readonly Member[];
  readonly make: Placement | null;
}

/** What a change needs. */
export interface Rollout {
  readonly roster: Roster;
  readonly placements: readonly Placement[];
  readonly settings: LaunchSettings;
  readonly drainMs: number;
  /** Whether engines run at all yet: before the fleet's start they are only exchanged. */
  readonly started: boolean;
  /** The fleet's own, called whenever an engine's status changes. */
  readonly onChange: (listener: () => void) => () => void;
  /** Ends it between two engines. */
  readonly signal: AbortSignal;
}

/**
 * How to come from the engines there are to those that are wanted: one step for each that is to be made, with those
 * that stand on its cards or have its name, then one for each that merely goes. Those that are as wanted appear nowhere,
 * but for those that have failed: they are made anew, since what was in their way may be gone.
 */
export function planRollout(
  members: readonly Member[],
  wanted: readonly Placement[],
  settings: LaunchSettings,
): readonly RolloutStep[] {
  const isKept = (member: Member): boolean =>
    member.engine.status.phase !== 'failed' && wanted.some((placement) => isAsWanted(member, placement, settings));
  const kept = members.filter(isKept);
  const old = members.filter((member) => !kept.includes(member));
  const made = wanted
    .filter((placement) => !kept.some((member) => isAsWanted(member, placement, settings)))
    .map((make) => ({ make, retire: old.filter(({ placement }) => isInTheWay(placement, make)) }));
  const merelyGone = old.filter((member) => !made.some(({ retire }) => retire.includes(member)));
  return [...made, ...merelyGone.map((member) => ({ retire: [member], make: null }))];
}

function isInTheWay(old: Placement, next: Placement): boolean {
  const uuids = next.gpus.map(({ uuid }) => uuid);
  return old.engineId === next.engineId || old.gpus.some(({ uuid }) => uuids.includes(uuid));
}

/**
 * Makes the fleet what is wanted: what takes nothing out of rotation at once, the rest one after another, each only
 * while another engine serves, if there is another that can. A new engine that fails ends it before more is replaced.
 */
export async function rollOut(rollout: Rollout): Promise<Reconciliation> {
  const { roster, placements, settings, signal } = rollout;
  if (signal.aborted) return { kind: 'superseded' };
  const steps = planRollout(roster.members, placements, settings);
  const quiet = steps.filter(({ retire }) => !retire.some(isServing));
  const made = await Promise.all(quiet.map((step) => take(step, rollout)));
  for (const step of steps.filter((each) => !quiet.includes(each))) {
    const failure = made.map(failureOf).find((each) => each !== null);
    if (failure) return failure;
    await untilAnotherServes(step.retire, rollout);
    made.push(await take(step, rollout));
  }
  if (signal.aborted) return { kind: 'superseded' };
  return failureOf(made.at(-1) ?? null) ?? { kind: 'settled' };
}

/** Gives the engine that was made, decided; null where there was none to make, or the change is over. */
async function take({ retire, make }: RolloutStep, rollout: Rollout): Promise<Member | null> {
  const { roster, placements, settings, drainMs, started, signal } = rollout;
  if (signal.aborted) return null;
  await Promise.all(retire.map((member) => roster.retire(member, drainMs)));
  if (make === null || signal.aborted) return null;
  const order = placements.map(({ engineId }) => engineId);
  const member = roster.add(make, settings, order);
  if (!started) return member;
  const decided = roster.start(member).then(() => member.engine.decided());
  await Promise.race([decided, aborted(signal)]);
  return member;
}

/** Waits until an engine beside `those` serves, or none of the others may come to. */
async function untilAnotherServes(those: readonly Member[], { roster, onChange, signal }: Rollout): Promise<void> {
  const isSafe = (): boolean => {
    const others = roster.members.filter((member) => !those.includes(member));
    return others.some(isServing) || !others.some(({ engine }) => engine.status.mayBecomeReady);
  };
  if (isSafe()) return;
  const safe = Promise.withResolvers<void>();
  const leave = onChange(() => {
    if (isSafe()) safe.resolve();
  });
  await Promise.race([safe.promise, aborted(signal)]);
  leave();
}

/** Whether the engine is in rotation. */
export const isServing = ({ engine }: Member): boolean => engine.status.phase === 'ready';

function failureOf(member: Member | null): Reconciliation | null {
  const { phase, lastFailure, engineId } = member?.engine.status ?? {};
  if (phase !== 'failed' || !lastFailure || engineId === undefined) return null;
  return { kind: 'held', engineId, failure: lastFailure };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
