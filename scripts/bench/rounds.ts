import type { Rig, Sample, Scenario, Target } from './rig.ts';

export interface RoundOptions {
  readonly rounds: number;
  readonly windowMs: number;
  /** A run before the first round that does not count: compilers and memory settle. */
  readonly warmUpMs: number;
}

export type Samples = Readonly<Record<Target['name'], readonly Sample[]>>;

/**
 * Measures the targets one after the other, round by round, the direction alternating, so that whatever else the
 * machine does meets all of them alike. A target that is not there has no samples.
 */
export async function interleave(
  rig: Rig,
  targets: readonly Target[],
  scenario: Scenario,
  { rounds, windowMs, warmUpMs }: RoundOptions,
): Promise<Samples> {
  const samples: Record<Target['name'], Sample[]> = { direct: [], nginx: [], chorus: [], unstored: [] };
  for (const target of targets) if (target.pid !== null) await rig.measure(target, scenario, warmUpMs);
  for (let round = 0; round < rounds; round++) {
    for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
      samples[target.name].push(await rig.measure(target, scenario, windowMs));
    }
  }
  return samples;
}

/** Starts nginx (where there is one) and Chorus, runs `work` on them, and ends both. */
export async function withTargets<T>(rig: Rig, work: (targets: readonly Target[]) => Promise<T>): Promise<T> {
  const chorus = await rig.startChorus();
  const nginx = await rig.startNginx();
  const unstored: Target = { ...chorus, name: 'unstored', stop: async () => {} };
  const targets = nginx === null ? [chorus, unstored] : [nginx, chorus, unstored];
  try {
    return await work(targets);
  } finally {
    await Promise.all(targets.map((target) => target.stop()));
  }
}
