import type { FastifyInstance } from 'fastify';
import type { Plan } from '../../domain/placement.ts';
import type { EngineStatus } from '../../engine/status.ts';
import type { GatewayDeps } from '../app.ts';

/** One engine as an operator sees it. */
export interface EngineReport extends EngineStatus {
  readonly inFlight: number;
  /** Requests given to this engine since Chorus started, those of its earlier starts included. */
  readonly served: number;
}

export interface StatusReport {
  /** Of Chorus itself. */
  readonly version: string;
  readonly pid: number;
  readonly url: string;
  readonly simulated: boolean;
  readonly ready: boolean;
  /** One sentence: what is ready, or why nothing is. */
  readonly reason: string;
  readonly engines: readonly EngineReport[];
  readonly plan: Plan;
}

/** `GET /admin/status`: what `chorus status` prints. */
export function registerStatus(app: FastifyInstance, deps: GatewayDeps): void {
  app.get('/admin/status', () => deps.status());
}
