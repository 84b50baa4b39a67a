import type { PhaseName } from '../engine/engine-state.ts';
import type { Fleet } from '../engine/fleet.ts';
import type { EngineStatus } from '../engine/status.ts';
import type { RemoteEngines } from '../remote/remote-engines.ts';

const TURNED_AWAY: readonly PhaseName[] = ['idle', 'backoff', 'failed', 'stopped'];

/** The engines of this machine and those elsewhere, for whoever asks or orders by name. */
export class AllEngines {
  readonly fleet: Fleet;
  readonly remotes: RemoteEngines;

  constructor(fleet: Fleet, remotes: RemoteEngines) {
    this.fleet = fleet;
    this.remotes = remotes;
  }

  /** Those of this machine first. */
  status(): EngineStatus[] {
    return [...this.fleet.status(), ...this.remotes.status()];
  }

  /** Then its work is watched: it leaves rotation once nothing moves although requests wait. */
  isInRotation(engineId: string): boolean {
    return this.status().some((engine) => engine.engineId === engineId && engine.phase === 'ready');
  }

  /** Those without a process, and those elsewhere that nothing is asked of. */
  withoutUseForConnections(): string[] {
    const local = this.fleet.status().filter(({ pid }) => pid === null);
    const remote = this.remotes.status().filter(({ phase }) => TURNED_AWAY.includes(phase));
    return [...local, ...remote].map(({ engineId }) => engineId);
  }

  drain(engineId: string, drainMs: number): Promise<void> {
    return this.#owner(engineId).drain(engineId, drainMs);
  }

  restart(engineId: string, drainMs: number): Promise<void> {
    return this.#owner(engineId).restart(engineId, drainMs);
  }

  startEngine(engineId: string): Promise<void> {
    return this.#owner(engineId).startEngine(engineId);
  }

  /** Stops what runs here and leaves what runs elsewhere; both within `drainMs` for the streams, as `Fleet.stop`. */
  async stop(drainMs: number): Promise<void> {
    await Promise.all([this.fleet.stop(drainMs), this.remotes.stop(drainMs)]);
  }

  /** The same at once, also while a `stop` waits. */
  async kill(): Promise<void> {
    await Promise.all([this.fleet.kill(), this.remotes.kill()]);
  }

  #owner(engineId: string): Fleet | RemoteEngines {
    return this.remotes.has(engineId) ? this.remotes : this.fleet;
  }
}
