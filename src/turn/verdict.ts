/** One start of one engine, as `replicaKey`. */
export type Run = string;

/** What is known of a request that was running when engines ended. */
export type Verdict = 'free' | 'apart' | 'guilty';

/**
 * What follows for a request from the ends of engines under it, and under each other request that broke off.
 *
 * `free`: fewer than two; anything may have ended one engine. `guilty`: two or more, and nobody else was there each
 * time. `apart`: others were there each time as well, and one of them may be the culprit: they go on, but no two of
 * them on the same engine, so that the next end tells them apart and costs the innocent ones nothing but a wait.
 */
export function verdictOn(ends: ReadonlySet<Run>, endsUnderOthers: Iterable<ReadonlySet<Run>>): Verdict {
  if (ends.size < 2) return 'free';
  for (const others of endsUnderOthers) if (isWithin(ends, others)) return 'apart';
  return 'guilty';
}

const isWithin = (runs: ReadonlySet<Run>, all: ReadonlySet<Run>): boolean => [...runs].every((run) => all.has(run));
