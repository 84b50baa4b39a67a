import type { Clock } from '../domain/clock.ts';
import { type Endpoint, isRemote, type Replica } from '../domain/replica.ts';
import type { Address } from './connection.ts';
import { Connections } from './connections.ts';
import { engineRequest } from './engine-request.ts';
import { EngineStream } from './engine-stream.ts';
import type { Exchange, ResponseListener } from './exchange.ts';
import type { OpenTokenStream, TokenStreamListener, UpstreamFailure } from './token-stream.ts';

export interface UpstreamOptions {
  readonly clock: Clock;
  /** How long an engine may send nothing before its stream counts as stalled. */
  readonly stallTimeoutMs: number;
  /**
   * Whether somebody watches that the engine works; then its streams may be silent, since those that wait in it, or for
   * a long prompt, are. Asked whenever the timeout has passed. Default: nobody does.
   */
  readonly isWatched?: (engineId: string) => boolean;
  /** Told of every failure of a replica elsewhere, before the stream's listener is. */
  readonly onRemoteFailure?: (replica: Replica, failure: UpstreamFailure) => void;
}

interface ReplicaConnections {
  readonly generation: number;
  readonly connections: Connections;
}

/** The connections to all replicas: each replica's are opened as its requests come. */
export interface Upstream {
  readonly openTokenStream: OpenTokenStream;
  /** Closes the replica's connections; streams that are still open end as `cut`. Harmless for an unknown one. */
  closeReplica(engineId: string): Promise<void>;
  /** Closes everything. */
  close(): Promise<void>;
}

export function createUpstream(options: UpstreamOptions): Upstream {
  const { clock, stallTimeoutMs, isWatched = () => false, onRemoteFailure } = options;
  const replicas = new Map<string, ReplicaConnections>();

  const connectionsTo = ({ engineId, generation, endpoint }: Replica): Connections => {
    const known = replicas.get(engineId);
    if (known?.generation === generation) return known.connections;
    void known?.connections.close();
    const connections = new Connections(addressOf(endpoint), clock);
    replicas.set(engineId, { generation, connections });
    return connections;
  };

  const closeReplica = async (engineId: string): Promise<void> => {
    const known = replicas.get(engineId);
    replicas.delete(engineId);
    await known?.connections.close();
  };

  return {
    openTokenStream(request, listener) {
      const connections = connectionsTo(request.replica);
      const send = (stream: ResponseListener): Exchange => connections.send(engineRequest(request), stream);
      const { replica, sampling } = request;
      const told =
        isRemote(replica.endpoint) && onRemoteFailure ? telling(listener, replica, onRemoteFailure) : listener;
      const mayBeSilent = (): boolean => isWatched(replica.engineId);
      return new EngineStream(told, send, clock, { maxTokens: sampling.max_tokens, stallTimeoutMs, mayBeSilent });
    },
    closeReplica,
    async close() {
      await Promise.all([...replicas.keys()].map(closeReplica));
    },
  };
}

const addressOf = (endpoint: Endpoint): Address => (isRemote(endpoint) ? endpoint : { path: endpoint.socketPath });

function telling(
  listener: TokenStreamListener,
  replica: Replica,
  onFailure: (replica: Replica, failure: UpstreamFailure) => void,
): TokenStreamListener {
  return {
    onTokens: (...tokens) => listener.onTokens(...tokens),
    onEnd: (end) => {
      if (end.kind === 'failed') onFailure(replica, end.failure);
      listener.onEnd(end);
    },
  };
}
