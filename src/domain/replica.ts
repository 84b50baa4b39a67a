import type { ModelId } from './model.ts';
import type { Secret } from './secret.ts';

/** Where a replica listens: a unix socket of an engine on this machine, or an address elsewhere. */
export type Endpoint = LocalEndpoint | RemoteEndpoint;

export interface LocalEndpoint {
  readonly socketPath: string;
}

export interface RemoteEndpoint {
  readonly isSecure: boolean;
  /** A name or an IP address, that without brackets. */
  readonly host: string;
  readonly port: number;
  /** As a Host header has it: with the port where it is not the scheme's own. */
  readonly authority: string;
  /** What stands before every path: empty, or `/base`. */
  readonly basePath: string;
  /** Chorus's own `Authorization` header for it; null: none. */
  readonly authorization: Secret | null;
  /** Requests carry their caller's `Authorization` header and never Chorus's own, which is for Chorus's questions then. */
  readonly forwardsAuthorization: boolean;
}

export const isRemote = (endpoint: Endpoint): endpoint is RemoteEndpoint => 'authority' in endpoint;

/** The two ways to send token ids to an engine and get token ids back; see `upstream/`. */
export type TokenRoute = 'generate' | 'completions';

/** An engine as routing sees it: facts that hold from readiness to its exit. */
export interface Replica {
  readonly engineId: string;
  /** Counts the starts of this engine, so that a restarted engine is another replica. */
  readonly generation: number;
  readonly model: ModelId;
  /** What the engine itself calls the model. */
  readonly servedName: string;
  readonly endpoint: Endpoint;
  readonly tokenRoute: TokenRoute;
  /** Context in tokens, as the engine itself reports it. */
  readonly maxModelLen: number;
  readonly engineVersion: string;
  readonly simulated: boolean;
}

/** What the requests on one engine show of its work, at no cost to it. */
export interface ReplicaActivity {
  /** Requests that wait for the engine; those that wait for a client who reads slowly do not count. */
  readonly awaiting: number;
  /** Grows with every read that brought tokens from it, over all its starts. */
  readonly reads: number;
}

/** Why its streams are closed: `closed` by order, or `stalled`, because it made no progress or did not recover. */
export type CloseCause = 'closed' | 'stalled';

/**
 * What an engine's owner may do to the balancing. Implemented by `pool/`, called by `engine/`, so that neither
 * imports the other.
 */
export interface Rotation {
  /** The replica has produced a token: give it requests. */
  admit(replica: Replica): void;
  /** No new request from now on; running ones go on. `reason` is shown to people. Harmless when not admitted. */
  withdraw(engineId: string, reason: string): void;
  /** Resolves when the engine has no request in flight. */
  whenIdle(engineId: string): Promise<void>;
  /** Ends what is still in flight, as a failure of the attempt with this reason. */
  closeStreams(engineId: string, cause: CloseCause, reason: string): void;
  /** This start of it ended although nobody here asked for that: the requests that it was running are suspects. */
  died(engineId: string, generation: number): void;
  /** Ever since its first admission; nothing before that. */
  activity(engineId: string): ReplicaActivity;
  /** Forgets an engine that will not come back. Its streams are closed before. */
  remove(engineId: string): void;
}
