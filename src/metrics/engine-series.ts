import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { PhaseName } from '../engine/engine-state.ts';
import type { LifecycleEvent } from '../engine/lifecycle-event.ts';
import type { EngineStatus } from '../engine/status.ts';
import type { SeatView } from '../pool/pool.ts';

/** The supervision as it stands; asked at each scrape. */
export interface EngineViews {
  readonly engines: () => readonly EngineStatus[];
  readonly seats: () => readonly SeatView[];
  /** Requests that wait for a replica. */
  readonly waiting: () => number;
  readonly isReady: () => boolean;
  /** Cards that are not used because of a fault. */
  readonly cordonedGpus: () => readonly CordonedCard[];
}

interface CordonedCard {
  readonly index: number;
  readonly uuid: string;
  /** The fault's code. */
  readonly code: string;
}

const START_SECONDS = [2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 240, 300, 600, 1200, 1800];

/** The engines and what happened to them. A replica is named by its engine's id. */
export class EngineSeries {
  readonly #restarts;
  readonly #ejections;
  readonly #recoveries;
  readonly #failures;
  readonly #starts;
  readonly #missed;

  constructor(registry: Registry, views: EngineViews) {
    const registers = [registry];
    const counter = <Name extends string>(name: string, help: string, labelNames: readonly Name[]): Counter<Name> =>
      new Counter({ name, help, labelNames, registers });
    this.#ejections = counter('chorus_engine_ejections_total', 'How often a replica was taken out of rotation.', [
      'replica',
      'cause',
    ]);
    this.#recoveries = counter('chorus_engine_recoveries_total', 'How often one came back without a restart.', [
      'replica',
    ]);
    this.#restarts = counter('chorus_engine_restarts_total', 'Restarts, by the class of the failure before it.', [
      'replica',
      'class',
    ]);
    this.#failures = counter('chorus_engine_failures_total', 'How often an engine was given up.', ['replica', 'code']);
    this.#missed = counter('chorus_engine_scrape_failures_total', 'Scrapes that an engine did not answer.', [
      'replica',
    ]);
    this.#starts = new Histogram({
      name: 'chorus_engine_start_seconds',
      help: 'From the start of the process to its first token.',
      labelNames: ['replica'],
      buckets: START_SECONDS,
      registers,
    });
    showPool(registry, views);
    showEngines(registry, views);
  }

  readonly scrapeMissed = (engineId: string): void => {
    this.#missed.inc({ replica: engineId });
  };

  readonly happened = (event: LifecycleEvent): void => {
    const replica = event.engineId;
    switch (event.kind) {
      case 'started':
        return;
      case 'ready':
        return this.#starts.observe({ replica }, event.startMs / 1000);
      case 'ejected':
        return this.#ejections.inc({ replica, cause: event.cause });
      case 'recovered':
        return this.#recoveries.inc({ replica });
      case 'restarting':
        return this.#restarts.inc({ replica, class: event.failureClass });
      case 'failed':
        return this.#failures.inc({ replica, code: event.code });
    }
  };
}

function showPool(registry: Registry, { seats, waiting, isReady }: EngineViews): void {
  const registers = [registry];
  const ready: Gauge = new Gauge({
    name: 'chorus_ready',
    help: 'Whether a replica is in rotation: 1 or 0.',
    registers,
    collect: () => ready.set(isReady() ? 1 : 0),
  });
  const queue: Gauge = new Gauge({
    name: 'chorus_requests_waiting',
    help: 'Requests that wait for a replica.',
    registers,
    collect: () => queue.set(waiting()),
  });
  const inFlight: Gauge<'replica'> = new Gauge({
    name: 'chorus_requests_in_flight',
    help: 'Requests that a replica works on.',
    labelNames: ['replica'],
    registers,
    collect: () => {
      inFlight.reset();
      for (const seat of seats()) inFlight.set({ replica: seat.engineId }, seat.inFlight);
    },
  });
  const served: Counter<'replica'> = new Counter({
    name: 'chorus_engine_requests_total',
    help: 'Requests given to a replica, those of its earlier starts included.',
    labelNames: ['replica'],
    registers,
    collect: () => {
      served.reset();
      for (const seat of seats()) served.inc({ replica: seat.engineId }, seat.served);
    },
  });
}

function showEngines(registry: Registry, { engines, cordonedGpus }: EngineViews): void {
  const registers = [registry];
  const phase: Gauge<'replica' | 'model' | 'phase'> = new Gauge({
    name: 'chorus_engine_phase',
    help: '1 for the phase that an engine is in, 0 for all others.',
    labelNames: ['replica', 'model', 'phase'],
    registers,
    collect: () => {
      phase.reset();
      for (const engine of engines()) {
        for (const name of PHASES) {
          const model = engine.model ?? 'unknown';
          phase.set({ replica: engine.engineId, model, phase: name }, name === engine.phase ? 1 : 0);
        }
      }
    },
  });
  const cordoned: Gauge<'gpu' | 'uuid' | 'code'> = new Gauge({
    name: 'chorus_gpu_cordoned',
    help: '1 for each card that is not used because of a fault.',
    labelNames: ['gpu', 'uuid', 'code'],
    registers,
    collect: () => {
      cordoned.reset();
      for (const { index, uuid, code } of cordonedGpus()) cordoned.set({ gpu: index, uuid, code }, 1);
    },
  });
}

const PHASES = Object.keys({
  idle: 1,
  starting: 1,
  ready: 1,
  unhealthy: 1,
  draining: 1,
  stopping: 1,
  sweeping: 1,
  releasing: 1,
  backoff: 1,
  failed: 1,
  stopped: 1,
} satisfies Record<PhaseName, 1>);
