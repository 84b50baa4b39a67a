import type { FastifyInstance } from 'fastify';
import type { Plan } from '../../domain/placement.ts';
import type { GatewayDeps } from '../app.ts';

/** One engine as an operator sees it. */
export interface EngineReport {
  readonly engineId: string;
  readonly model: string;
  readonly phase: string;
  /** One sentence: what it does, or what went wrong and what happens next. */
  readonly detail: string;
  readonly gpus: readonly string[];
  readonly pid: number | null;
  readonly restarts: number;
  readonly inFlight: number;
  /** Requests given to this engine since the start of Chorus. */
  readonly served: number;
  readonly socketPath: string;
  readonly engineVersion: string | null;
  readonly logFile: string | null;
}

export interface StatusReport {
  readonly version: string;
  readonly pid: number;
  readonly url: string;
  readonly engine: string;
  readonly simulated: boolean;
  readonly ready: boolean;
  readonly reason: string;
  readonly engines: readonly EngineReport[];
  readonly plan: Plan;
}

/** `GET /admin/status`: what `chorus status` prints. */
export function registerStatus(app: FastifyInstance, deps: GatewayDeps): void {
  app.get('/admin/status', () => deps.status());
}
