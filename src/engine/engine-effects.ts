import type { ModelId } from '../domain/model.ts';
import type { EngineEffect, EngineEvent, EngineState, Look, ReplicaFacts } from './engine-state.ts';
import type { EngineDeps } from './engine-deps.ts';
import type { Probes } from './health.ts';
import type { Run } from './run.ts';
import { StartWatch } from './start-watch.ts';

/** What is performed in a phase; timers are the engine's own. */
export type Deed = Exclude<EngineEffect, { readonly kind: 'set_timer' }>;
type LookDeed = Extract<Deed, { readonly kind: 'look' }>;

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
  #run: Run | null = null;
  #logFile: string | null = null;
  /** Of the last start. */
  #watch: StartWatch | null = null;
  #facts: ReplicaFacts | null = null;
  #model: ModelId | null;

  constructor(deps: EngineDeps, { post, onProgress }: EffectListener) {
    this.#deps = deps;
    this.#model = deps.identity.model;
    this.#post = post;
    this.#onProgress = onProgress;
  }

  /** The start that goes on, or that is not swept yet. */
  get run(): Run | null {
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

  /** What it serves, or served last; null while that is not known. */
  get model(): ModelId | null {
    return this.#model;
  }

  /** `phaseEnd` aborts with the phase that `state` is in. */
  perform(deed: Deed, state: EngineState, phaseEnd: AbortSignal): void {
    const { rotation, turns, memory, identity } = this.#deps;
    const { engineId } = identity;
    const later = (answer: Promise<EngineEvent>): void => void this.#postUnlessEnded(answer, phaseEnd);
    switch (deed.kind) {
      case 'spawn':
        return this.#spawn();
      case 'probe_token':
        this.#run?.keepRecord();
        return this.#ask(later, (probes) => probes.token(phaseEnd).then((result) => ({ kind: 'probed', result })));
      case 'look':
        return this.#ask(later, (probes) =>
          this.#look(probes, deed, phaseEnd).then((look) => ({ kind: 'looked', look })),
        );
      case 'ask_turn': {
        const given = (): void => this.#post({ kind: 'turn_given' });
        return turns.ask(engineId, { given, taken: (by) => this.#post({ kind: 'turn_taken', by }) }, phaseEnd);
      }
      case 'await_memory':
        return later(memory?.untilFree(phaseEnd) ?? Promise.resolve({ kind: 'memory_free' }));
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

  /** Only what runs can be asked. */
  #ask(later: (answer: Promise<EngineEvent>) => void, question: (probes: Probes) => Promise<EngineEvent>): void {
    if (this.#run) later(question(this.#run.probes));
  }

  #spawn(): void {
    const { begin, clock, earlierStarts } = this.#deps;
    const earlier = earlierStarts();
    this.#watch = earlier && new StartWatch(clock, earlier);
    this.#facts = null;
    const run = begin((line) => {
      if (this.#watch?.note(line)) this.#onProgress();
    });
    this.#run = run;
    this.#logFile = run.logFile;
    void this.#awaitExit(run);
  }

  async #awaitExit(run: Run): Promise<void> {
    await run.exited();
    if (this.#run === run) this.#post({ kind: 'exited' });
  }

  /** The metrics page is large: it is asked for only where nothing else shows that the engine works. */
  async #look(probes: Probes, { canary, knownReads }: LookDeed, signal: AbortSignal): Promise<Look> {
    const { rotation, identity, policy } = this.#deps;
    const health = canary ? await probes.token(signal, policy.canaryTimeoutMs) : await probes.health(signal);
    this.#run?.keepRecord();
    if (health.kind === 'healthy' || health.kind === 'token') this.#run?.noteHealthy();
    const { awaiting, reads } = rotation.activity(identity.engineId);
    const mayStand = awaiting > 0 && reads === knownReads;
    const load = mayStand ? await probes.load(signal) : null;
    // As it is now: where Chorus itself stood still, what engines have sent meanwhile is read only after the deadlines.
    return { health, canary, work: { ...rotation.activity(identity.engineId), load } };
  }

  #admit(facts: ReplicaFacts, generation: number): void {
    const { identity, rotation } = this.#deps;
    const { engineId, kind } = identity;
    if (this.#run === null) return;
    // An engine that recovers is admitted again, without a start.
    if (this.#facts === null && this.#watch) this.#deps.onStarted(facts.engineVersion, this.#watch.finish());
    this.#facts = facts;
    this.#model = facts.model;
    rotation.admit({ engineId, generation, endpoint: this.#run.endpoint, ...facts, simulated: kind === 'simulated' });
  }

  async #sweep(run: Run): Promise<EngineEvent> {
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
