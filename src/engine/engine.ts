import type { Logger } from 'pino';
import type { CancelTimer, Clock } from '../domain/clock.ts';
import type { Placement } from '../domain/placement.ts';
import type { Rotation } from '../domain/replica.ts';
import type { EngineCommand } from './command.ts';
import { EngineRun } from './engine-run.ts';
import type { EngineEffect, EngineEvent, EngineState, PhaseName, ReplicaFacts, TimerName } from './engine-state.ts';
import type { EngineFailure } from './failures.ts';
import { probeHealth, probeToken } from './health.ts';
import { INITIAL_STATE, transition } from './lifecycle.ts';
import type { EnginePolicy } from './policy.ts';
import type { PhaseTimes } from './start-estimate.ts';
import { StartWatch } from './start-watch.ts';
import { describeEngine, type EngineStatus, mayBecomeReady } from './status.ts';

export interface EngineDeps {
  readonly placement: Placement;
  /** Asked at every start. */
  readonly command: () => EngineCommand;
  /** What comparable starts took; asked at every start. */
  readonly earlierStarts: () => readonly PhaseTimes[];
  /** Told of a start that became ready. */
  readonly onStarted: (engineVersion: string, times: PhaseTimes) => void;
  /** Told of a start that ended before it was ready; the failure that it gives back is the one that counts. */
  readonly reviseFailure: (failure: EngineFailure) => EngineFailure;
  readonly socketPath: string;
  /** Holds `logs/` and the records of running groups. */
  readonly stateDir: string;
  readonly policy: EnginePolicy;
  readonly rotation: Rotation;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Called after every change that `status` shows, times aside. */
  readonly onChange: () => void;
}

/** Phases in which a start has shown how it ends, for now. */
const SETTLED: readonly PhaseName[] = ['ready', 'backoff', 'failed', 'stopped'];
const ENDED: readonly PhaseName[] = ['failed', 'stopped'];
const LOG_LEVELS: Partial<Readonly<Record<PhaseName, 'warn' | 'error'>>> = {
  unhealthy: 'warn',
  backoff: 'warn',
  failed: 'error',
};

/**
 * One `vllm serve` over its starts and restarts, and the only writer of its state: whatever happens becomes an event in
 * the mailbox, `transition` decides, and the effects are performed here before the next event is looked at.
 */
export class Engine {
  readonly #deps: EngineDeps;
  readonly #mailbox: EngineEvent[] = [];
  readonly #timers = new Map<TimerName, CancelTimer>();
  readonly #phaseListeners = new Set<() => void>();
  #handling = false;
  #state: EngineState = INITIAL_STATE;
  #phaseSinceMs: number;
  /** Ends with the phase: answers to what was asked in it are then no longer wanted. */
  #phaseEnd = new AbortController();
  #run: EngineRun | null = null;
  #logFile: string | null = null;
  /** Of the last start; what it tells is news while the phase is `starting`. */
  #watch: StartWatch | null = null;
  #facts: ReplicaFacts | null = null;

  constructor(deps: EngineDeps) {
    this.#deps = deps;
    this.#phaseSinceMs = deps.clock.monotonicMs();
  }

  /** Gives it up before any start, with the reason that its status shows. */
  refuse(failure: EngineFailure): void {
    this.#post({ kind: 'refused', failure });
  }

  /** Starts it unless it runs. Resolves when this start is ready or has failed; restarts go on by themselves. */
  start(): Promise<void> {
    this.#post({ kind: 'start_requested' });
    return this.#reached(SETTLED);
  }

  /**
   * Out of rotation, `drainMs` for its streams, SIGTERM, `termGraceMs`, SIGKILL to the group. Resolves when no process
   * of it is left, or when one cannot be ended (phase `failed`).
   */
  stop(drainMs: number, termGraceMs: number): Promise<void> {
    this.#post({ kind: 'stop_requested', drainMs, termGraceMs });
    return this.#reached(ENDED);
  }

  /** SIGKILL to the group, whatever is in flight. Resolves as `stop` does. */
  kill(): Promise<void> {
    this.#post({ kind: 'kill_requested' });
    return this.#reached(ENDED);
  }

  /** Only the SIGKILL, for the last moment of Chorus itself. */
  killWithoutWaiting(): void {
    this.#run?.kill();
  }

  get status(): EngineStatus {
    const { placement, socketPath, clock } = this.#deps;
    const { phase, generation, history } = this.#state;
    const inPhaseMs = clock.monotonicMs() - this.#phaseSinceMs;
    return {
      engineId: placement.engineId,
      model: placement.model,
      kind: placement.kind,
      gpus: placement.gpus,
      phase,
      generation,
      sentence: describeEngine(this.#state, inPhaseMs, this.#watch?.sentence ?? null),
      mayBecomeReady: mayBecomeReady(this.#state),
      progress: phase === 'starting' ? (this.#watch?.progress ?? null) : null,
      pid: this.#run?.pid ?? null,
      restarts: history.restarts,
      lastFailure: history.lastFailure,
      engineVersion: this.#facts?.engineVersion ?? null,
      socketPath,
      logFile: this.#logFile,
    };
  }

  #post(event: EngineEvent): void {
    this.#mailbox.push(event);
    if (this.#handling) return;
    this.#handling = true;
    try {
      for (let next = this.#mailbox.shift(); next; next = this.#mailbox.shift()) this.#handle(next);
    } finally {
      this.#handling = false;
    }
  }

  #handle(event: EngineEvent): void {
    const { policy, clock, random, logger } = this.#deps;
    const before = this.#state;
    const step = transition(before, event, { policy, monotonicMs: clock.monotonicMs(), random: random() });
    if (step.ignored !== undefined) {
      logger.debug({ event: event.kind, phase: before.phase, reason: step.ignored }, 'engine event ignored');
      return;
    }
    const phaseChanged = step.state.phase !== before.phase;
    this.#state = step.state;
    if (phaseChanged) this.#endPhase();
    for (const effect of step.effects) this.#perform(effect);
    if (phaseChanged) this.#announcePhase();
  }

  #endPhase(): void {
    this.#phaseSinceMs = this.#deps.clock.monotonicMs();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#phaseEnd.abort();
    this.#phaseEnd = new AbortController();
  }

  #announcePhase(): void {
    const { phase, generation, restarts, sentence, pid } = this.status;
    this.#deps.logger[LOG_LEVELS[phase] ?? 'info']({ phase, generation, restarts, sentence, pid }, 'engine phase');
    for (const listener of this.#phaseListeners) listener();
    this.#deps.onChange();
  }

  #reached(phases: readonly PhaseName[]): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!phases.includes(this.#state.phase)) return;
        this.#phaseListeners.delete(check);
        resolve();
      };
      this.#phaseListeners.add(check);
      check();
    });
  }

  #perform(effect: EngineEffect): void {
    const { rotation, placement } = this.#deps;
    const { engineId } = placement;
    switch (effect.kind) {
      case 'spawn':
        return this.#spawn();
      case 'probe_health':
      case 'probe_token':
        return this.#probe(effect.kind);
      case 'admit':
        return this.#admit(effect.facts);
      case 'withdraw':
        return rotation.withdraw(engineId, effect.reason);
      case 'close_streams':
        return rotation.closeStreams(engineId, effect.reason);
      case 'await_idle':
        return void this.#postInPhase(rotation.whenIdle(engineId).then(() => ({ kind: 'drained' })));
      case 'terminate':
        return this.#run?.terminate();
      case 'kill_group':
        return this.#run?.kill();
      case 'sweep':
        return this.#sweep();
      case 'set_timer':
        return this.#setTimer(effect.timer, effect.delayMs);
    }
  }

  #spawn(): void {
    const { placement, command, socketPath, stateDir, clock, policy } = this.#deps;
    this.#watch = new StartWatch(clock, this.#deps.earlierStarts());
    this.#facts = null;
    const run = new EngineRun({
      engineId: placement.engineId,
      command: command(),
      socketPath,
      stateDir,
      clock,
      onLine: (line) => this.#noteProgress(line),
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

  #noteProgress(line: string): void {
    if (this.#state.phase === 'starting' && this.#watch?.note(line)) this.#deps.onChange();
  }

  #probe(kind: 'probe_health' | 'probe_token'): void {
    const { socketPath, placement, clock } = this.#deps;
    const ask = kind === 'probe_health' ? probeHealth : probeToken;
    const result = ask({ socketPath, model: placement.model, clock }, this.#phaseEnd.signal);
    void this.#postInPhase(result.then((result) => ({ kind: 'probed', result })));
  }

  #admit(facts: ReplicaFacts): void {
    const { placement, socketPath, rotation } = this.#deps;
    const { engineId, model, kind } = placement;
    // An engine that recovers is admitted again, without a start.
    if (this.#facts === null && this.#watch) this.#deps.onStarted(facts.engineVersion, this.#watch.finish());
    this.#facts = facts;
    const { generation } = this.#state;
    rotation.admit({
      engineId,
      generation,
      model,
      endpoint: { socketPath },
      ...facts,
      simulated: kind === 'simulated',
    });
  }

  #sweep(): void {
    const run = this.#run;
    if (run === null) return;
    const swept = async (): Promise<EngineEvent> => {
      const end = await run.sweep(this.#deps.policy.killGraceMs);
      if (end.survivors.length === 0) this.#run = null;
      const failure = this.#facts === null ? this.#deps.reviseFailure(end.failure) : end.failure;
      return { kind: 'swept', survivors: end.survivors, failure };
    };
    void this.#postInPhase(swept());
  }

  #setTimer(timer: TimerName, delayMs: number): void {
    this.#timers.get(timer)?.();
    const fire = (): void => this.#post({ kind: 'timer_fired', timer });
    this.#timers.set(timer, this.#deps.clock.schedule(delayMs, fire));
  }

  async #postInPhase(answer: Promise<EngineEvent>): Promise<void> {
    const { signal } = this.#phaseEnd;
    const event = await answer;
    if (!signal.aborted) this.#post(event);
  }
}
