import type { RemoteEngineOptions } from '../config/remote-engines.ts';
import type { Clock } from '../domain/clock.ts';
import type { ProbeResult } from '../engine/engine-state.ts';
import type { Probes } from '../engine/health.ts';
import type { Run } from '../engine/run.ts';
import { readRemoteKey, remoteEndpoint } from './endpoint.ts';
import { keyUnreadable } from './failures.ts';
import { remoteProbes } from './remote-probes.ts';
import { RemoteRun } from './remote-run.ts';

/** Begins one time after another of dealing with one engine; its key is read anew for each. */
export function runsOf(options: RemoteEngineOptions, clock: Clock): () => Run {
  const patience = new Patience();
  return () => {
    try {
      const endpoint = remoteEndpoint(options, readRemoteKey(options));
      return new RemoteRun(endpoint, patience.over(remoteProbes({ endpoint, clock })));
    } catch (error) {
      const failure = keyUnreadable((error as Error).message);
      return new RemoteRun(
        remoteEndpoint(options, null),
        patience.over(refusing({ kind: 'unusable', failure, isPassing: false })),
      );
    }
  };
}

/**
 * An engine that was never any good is given up until a person has changed something; one that was will be again, since
 * what is wrong with it now may be a change that is just being made.
 */
class Patience {
  #hasServed = false;

  over(probes: Probes): Probes {
    return {
      health: (signal) => probes.health(signal),
      token: async (...question) => this.#judge(await probes.token(...question)),
      load: (signal) => probes.load(signal),
    };
  }

  #judge(result: ProbeResult): ProbeResult {
    this.#hasServed ||= result.kind === 'token';
    if (result.kind !== 'unusable' || !this.#hasServed) return result;
    return { ...result, failure: { ...result.failure, retry: 'patiently' } };
  }
}

const refusing = (result: ProbeResult): Probes => ({
  health: () => Promise.resolve(result),
  token: () => Promise.resolve(result),
  load: () => Promise.resolve(null),
});
