import { Pool } from 'undici';
import type { Clock } from '../domain/clock.ts';
import type { Replica } from '../domain/replica.ts';
import { engineRequest } from './engine-request.ts';
import { EngineStream } from './engine-stream.ts';
import type { OpenTokenStream } from './token-stream.ts';

export interface UpstreamOptions {
  readonly clock: Clock;
  /**
   * How long an engine may send nothing before its stream counts as stalled. Queueing in the engine and the prompt's
   * computation are silent too, so this must be longer than both.
   */
  readonly stallTimeoutMs: number;
}

/** Below the five seconds after which the engine's server closes an idle connection, so that none dies in use. */
const KEEP_ALIVE_MS = 4_000;

interface Connections {
  readonly generation: number;
  readonly pool: Pool;
}

/** The connections to all replicas: one pool for each, opened at its first request. */
export interface Upstream {
  readonly openTokenStream: OpenTokenStream;
  /** Closes the replica's connections; streams that are still open end as `cut`. Harmless for an unknown one. */
  closeReplica(engineId: string): Promise<void>;
  /** Closes everything. */
  close(): Promise<void>;
}

export function createUpstream({ clock, stallTimeoutMs }: UpstreamOptions): Upstream {
  const connections = new Map<string, Connections>();

  const poolOf = ({ engineId, generation, endpoint }: Replica): Pool => {
    const known = connections.get(engineId);
    if (known?.generation === generation) return known.pool;
    void known?.pool.destroy();
    const pool = openPool(endpoint.socketPath);
    connections.set(engineId, { generation, pool });
    return pool;
  };

  const closeReplica = async (engineId: string): Promise<void> => {
    const known = connections.get(engineId);
    connections.delete(engineId);
    await known?.pool.destroy();
  };

  return {
    openTokenStream(request, listener) {
      const stream = new EngineStream(listener, clock, stallTimeoutMs);
      poolOf(request.replica).dispatch({ method: 'POST', ...engineRequest(request) }, stream);
      return stream;
    },
    closeReplica,
    async close() {
      await Promise.all([...connections.keys()].map(closeReplica));
    },
  };
}

/** One connection a stream, as many as there are streams; no timeouts but our own, which know when a stream is paused. */
function openPool(socketPath: string): Pool {
  return new Pool('http://localhost', {
    socketPath,
    connections: null,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
}
