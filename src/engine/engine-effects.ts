import type { EngineEffect, EngineEvent, EngineState, Look, ReplicaFacts } from './engine-state.ts';
import { CardMemory } from './card-memory.ts';
import type { EngineDeps } from './engine-deps.ts';
import { EngineRun } from './engine-run.ts';
import { askLoad, probeHealth, type ProbeTarget, probeToken } from './health.ts';
import { StartWatch } from './start-watch.ts';

/** What is performed in a phase; timers are the engine's own. */
export type Deed = Exclude<EngineEffect, { readonly kind: 'set_timer' }>;

/** Hears what comes of the effects. */
export interface EffectListener {
  readonly post: (event: EngineEvent) => void;
  /** A start is further than before. */
  readonly onProgress: () => void;
}

/**
 * The hands of an engine: performs what was decided, and holds what that needs (the running process, what it said of
 * itself, the watch over its start). What comes of it is told as events to `post`; answers to what was asked in a phase
 * are dropped once that phase is over.
 */
export class EngineEffects {
  readonly #deps: EngineDeps;
  readonly #post: (event: EngineEvent) => void;
  readonly #onProgress: () => void;
  readonly #memory: CardMemory | null;
  #run: EngineRun | null = null;
  #logFile: string | null = null;
  /** Of the last start. */
  #watch: StartWatch | null = null;
  #facts: ReplicaFacts | null = null;

  constructor(deps: EngineDeps, { post, onProgress }: EffectListener) {
    const { placement, gpuMemory, clock, policy } = deps;
    this.#deps = deps;
    this.#post = post;
    this.#onProgress = onProgress;
    this.#memory = placement.gpus.length > 0 && gpuMemory ? new CardMemory(placement, gpuMemory, clock, policy) : null;
  }

  /** The process that runs, or whose group is not swept yet. */
  get run(): EngineRun | null {
    return this.#run;
  }

  /** The log of the current or last start. */
  get logFile(): string | null {
    return this.#logFile;
  }

  /** Where the current or last start is; its news count while the phase is `starting`. */
  get watch(): StartWatch | null {
    return this.#watch;
  }

  /** What the current or last start said of itself; null before it was ready. */
  get facts(): ReplicaFacts | null {
    return this.#facts;
  }

  get watchesMemory(): boolean {
    return this.#memory !== null;
  }

  /** `phaseEnd` aborts with the phase that `state` is in. */
  perform(deed: Deed, state: EngineState, phaseEnd: AbortSignal): void {
    const { rotation, turns, placement } = this.#deps;
    const { engineId } = placement;
    const later = (answer: Promise<EngineEvent>): void => void this.#postUnlessEnded(answer, phaseEnd);
    switch (deed.kind) {
      case 'spawn':
        return this.#spawn();
      case 'probe_token':
        this.#run?.keepRecord();
        return later(probeToken(this.#target, phaseEnd).then((result) => ({ kind: 'probed', result })));
      case 'look':
        return later(this.#look(deed, phaseEnd).then((look) => ({ kind: 'looked', look })));
      case 'ask_turn': {
        const given = (): void => this.#post({ kind: 'turn_given' });
        return turns.ask(engineId, { given, taken: (by) => this.#post({ kind: 'turn_taken', by }) }, phaseEnd);
      }
      case 'await_memory':
        return later(this.#memory?.untilFree(phaseEnd) ?? Promise.resolve({ kind: 'memory_free' }));
      case 'admit':
        return this.#admit(deed.facts, state.generation);
      case 'report_death':
        // What somebody ends by hand says nothing against the requests that it ran.
        return this.#run?.wasEndedByHand ? undefined : rotation.died(engineId, state.generation);
      case 'withdraw':
        return rotation.withdraw(engineId, deed.reason);
      case 'close_streams':
        return rotation.closeStreams(engineId, deed.cause, deed.reason);
      case 'await_idle':
        return later(rotation.whenIdle(engineId).then(() => ({ kind: 'drained' })));
      case 'terminate':
        return this.#run?.terminate();
      case 'kill_group':
        return this.#run?.kill();
      case 'sweep':
        return this.#run ? later(this.#sweep(this.#run)) : undefined;
    }
  }

  get #target(): ProbeTarget {
    const { socketPath, placement, clock } = this.#deps;
    return { socketPath, model: placement.model, clock };
  }

  #spawn(): void {
    const { placement, command, socketPath, stateDir, clock, policy, parentDeath, countOomKills } = this.#deps;
    this.#watch = new StartWatch(clock, this.#deps.earlierStarts());
    this.#facts = null;
    const run = new EngineRun({
      engineId: placement.engineId,
      command: command(),
      parentDeath: parentDeath(),
      socketPath,
      stateDir,
      clock,
      countOomKills,
      onLine: (line) => {
        if (this.#watch?.note(line)) this.#onProgress();
      },
      maxLogBytes: policy.maxLogBytes,
    });
    this.#run = run;
    this.#logFile = run.logFile;
    void this.#awaitExit(run);
  }

  async #awaitExit(run: EngineRun): Promise<void> {
    await run.exited();
    if (this.#run === run) this.#post({ kind: 'exited' });
  }

  /** The metrics page is large: it is asked for only where nothing else shows that the engine works. */
  async #look({ canary, knownReads }: Extract<Deed, { kind: 'look' }>, signal: AbortSignal): Promise<Look> {
    const { rotation, placement, policy } = this.#deps;
    const health = canary
      ? await probeToken(this.#target, signal, policy.canaryTimeoutMs)
      : await probeHealth(this.#target, signal);
    this.#run?.keepRecord();
    if (health.kind === 'healthy' || health.kind === 'token') this.#run?.noteHealthy();
    const { awaiting, reads } = rotation.activity(placement.engineId);
    const mayStand = awaiting > 0 && reads === knownReads;
    const load = mayStand ? await askLoad(this.#target, signal) : null;
    // As it is now: where Chorus itself stood still, what engines have sent meanwhile is read only after the deadlines.
    return { health, canary, work: { ...rotation.activity(placement.engineId), load } };
  }

  #admit(facts: ReplicaFacts, generation: number): void {
    const { placement, socketPath, rotation } = this.#deps;
    const { engineId, model, kind } = placement;
    // An engine that recovers is admitted again, without a start.
    if (this.#facts === null && this.#watch) this.#deps.onStarted(facts.engineVersion, this.#watch.finish());
    this.#facts = facts;
    const simulated = kind === 'simulated';
    rotation.admit({ engineId, generation, model, endpoint: { socketPath }, ...facts, simulated });
  }

  async #sweep(run: EngineRun): Promise<EngineEvent> {
    const hasServed = this.#facts !== null;
    const end = await run.sweep(this.#deps.policy.killGraceMs, hasServed);
    if (end.survivors.length === 0) this.#run = null;
    const failure = hasServed ? end.failure : this.#deps.reviseFailure(end.failure);
    return { kind: 'swept', survivors: end.survivors, failure };
  }

  async #postUnlessEnded(answer: Promise<EngineEvent>, phaseEnd: AbortSignal): Promise<void> {
    const event = await answer;
    if (!phaseEnd.aborted) this.#post(event);
  }
}
