import type { CancelTimer } from '../domain/clock.ts';
import type { EngineDeps } from './engine-deps.ts';
import { EngineEffects } from './engine-effects.ts';
import type { EngineEffect, EngineEvent, EngineState, PhaseName, TimerName } from './engine-state.ts';
import type { EngineFailure } from './failures.ts';
import { INITIAL_STATE, transition } from './lifecycle.ts';
import { type LifecycleEvent, lifecycleEvent } from './lifecycle-event.ts';
import { type EngineStatus, mayBecomeReady } from './status.ts';
import type { Moment } from './steps.ts';

/** Phases in which a start has shown how it ends, for now. */
const SETTLED: readonly PhaseName[] = ['ready', 'backoff', 'failed', 'stopped'];
const DECIDED: readonly PhaseName[] = ['ready', 'failed', 'stopped'];
const ENDED: readonly PhaseName[] = ['failed', 'stopped'];
/** Phases of one whose turn to start it is. */
const STARTING: readonly PhaseName[] = ['releasing', 'starting'];
const RECENT_EVENTS = 6;
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
  #state: EngineState;
  #phaseSinceMs: number;
  /** Ends with the phase: answers to what was asked in it are then no longer wanted. */
  #phaseEnd = new AbortController();
  #recent: readonly LifecycleEvent[] = [];
  readonly #effects: EngineEffects;

  constructor(deps: EngineDeps) {
    this.#deps = deps;
    this.#state = { ...INITIAL_STATE, generation: deps.generation };
    this.#phaseSinceMs = deps.clock.monotonicMs();
    this.#effects = new EngineEffects(deps, {
      post: (event) => this.#post(event),
      onProgress: () => {
        if (this.#state.phase === 'starting') deps.onChange();
      },
    });
  }

  /** It may not run, for this reason, which its status shows: what runs is killed. Resolves when it is gone. */
  refuse(failure: EngineFailure): Promise<void> {
    this.#post({ kind: 'refused', failure });
    return this.#reached(ENDED);
  }

  /** Starts it unless it runs. Resolves when this start is ready or has failed; restarts go on by themselves. */
  start(): Promise<void> {
    this.#post({ kind: 'start_requested' });
    return this.#reached(SETTLED);
  }

  /** Resolves when it serves, has failed or is stopped: now or after restarts. */
  decided(): Promise<void> {
    return this.#reached(DECIDED);
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
    this.#effects.run?.kill();
  }

  /** It refused a request in a way that the next one may meet as well: it is asked for a token soon. */
  doubt(): void {
    this.#post({ kind: 'doubted' });
  }

  get status(): EngineStatus {
    const { identity, describe, clock } = this.#deps;
    const { run, watch, facts, model, logFile } = this.#effects;
    const state = this.#state;
    const { phase, generation, history } = state;
    const inPhaseMs = clock.monotonicMs() - this.#phaseSinceMs;
    return {
      ...identity,
      model,
      phase,
      generation,
      sentence: describe(state, inPhaseMs, watch?.sentence ?? null),
      mayBecomeReady: mayBecomeReady(state),
      progress: phase === 'starting' ? (watch?.progress ?? null) : null,
      pid: run?.pid ?? null,
      restarts: history.restarts,
      lastFailure: 'failure' in state ? state.failure : history.lastFailure,
      recent: this.#recent,
      engineVersion: facts?.engineVersion ?? null,
      logFile,
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
    const { logger, turns, identity } = this.#deps;
    const before = this.#state;
    const step = transition(before, event, this.#moment());
    if (step.ignored !== undefined) {
      logger.debug({ event: event.kind, phase: before.phase, reason: step.ignored }, 'engine event ignored');
      if (event.kind === 'turn_given') turns.release(identity.engineId);
      return;
    }
    this.#state = step.state;
    const { phase } = step.state;
    const phaseChanged = phase !== before.phase;
    const lifecycle = phaseChanged ? this.#endPhase(before) : null;
    for (const effect of step.effects) this.#perform(effect);
    if (phaseChanged) this.#announcePhase(lifecycle);
    else if (phase === 'backoff') this.#deps.onChange();
    if (phaseChanged && !STARTING.includes(phase)) turns.release(identity.engineId);
  }

  #moment(): Moment {
    const { policy, clock, random, memory } = this.#deps;
    const monotonicMs = clock.monotonicMs();
    const inPhaseMs = monotonicMs - this.#phaseSinceMs;
    return { policy, monotonicMs, inPhaseMs, random: random(), watchesMemory: memory !== null };
  }

  /** What belongs to the phase ends with it; gives what its end means to people. */
  #endPhase(before: EngineState): LifecycleEvent | null {
    const { clock, identity } = this.#deps;
    const inPhaseMs = clock.monotonicMs() - this.#phaseSinceMs;
    this.#phaseSinceMs += inPhaseMs;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#phaseEnd.abort();
    this.#phaseEnd = new AbortController();
    return lifecycleEvent(identity.engineId, before, this.#state, { atMs: clock.nowMs(), inPhaseMs });
  }

  #announcePhase(lifecycle: LifecycleEvent | null): void {
    if (lifecycle) this.#recent = [...this.#recent, lifecycle].slice(-RECENT_EVENTS);
    const { phase, generation, restarts, sentence, pid } = this.status;
    const { logger, onEvent } = this.#deps;
    const level = lifecycle?.kind === 'ejected' ? 'warn' : (LOG_LEVELS[phase] ?? 'info');
    logger[level]({ phase, generation, restarts, sentence, pid, happened: lifecycle ?? undefined }, 'engine phase');
    if (lifecycle) onEvent(lifecycle);
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
    if (effect.kind !== 'set_timer') return this.#effects.perform(effect, this.#state, this.#phaseEnd.signal);
    const { timer, delayMs } = effect;
    this.#timers.get(timer)?.();
    const fire = (): void => this.#post({ kind: 'timer_fired', timer });
    this.#timers.set(timer, this.#deps.clock.schedule(delayMs, fire));
  }
}
