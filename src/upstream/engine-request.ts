import { isRemote, type RemoteEndpoint, type TokenRoute } from '../domain/replica.ts';
import type { TokenStreamRequest } from './token-stream.ts';

const PATHS: Readonly<Record<TokenRoute, string>> = {
  generate: '/inference/v1/generate',
  completions: '/v1/completions',
};

const LOCAL_HEADS: Readonly<Record<TokenRoute, readonly string[]>> = {
  generate: [`POST ${PATHS.generate} HTTP/1.1`, 'host: localhost'],
  completions: [`POST ${PATHS.completions} HTTP/1.1`, 'host: localhost'],
};

/** What would end a header line, or what no header may hold. */
const UNSPEAKABLE = /[^\x20-\x7e]/g;

/**
 * The whole HTTP/1.1 request that starts a generation: token ids in, token ids out, on the route that the replica
 * offers. `X-Request-Id` names the request in the engine's log. `/inference/v1/generate` skips turning ids into text; `/v1/completions` has no switch for that, and answers
 * with ids only when asked (vLLM `entrypoints/scale_out/token_in_token_out/protocol.py`, `openai/completion/protocol.py`).
 */
export function engineRequest(request: TokenStreamRequest): string {
  const { replica, promptTokenIds, sampling, requestId, cacheSalt } = request;
  const { priority, ...params } = sampling;
  const common = {
    model: replica.servedName,
    priority,
    stream: true,
    stream_options: { include_usage: true },
    ...(cacheSalt === null ? {} : { cache_salt: cacheSalt }),
  };
  const fields =
    replica.tokenRoute === 'generate'
      ? { ...common, token_ids: promptTokenIds, sampling_params: { ...params, detokenize: false } }
      : { ...common, prompt: promptTokenIds, ...params, return_token_ids: true };
  const body = JSON.stringify(fields);
  const { endpoint } = replica;
  const head = [
    ...(isRemote(endpoint) ? remoteHead(endpoint, request) : LOCAL_HEADS[replica.tokenRoute]),
    'content-type: application/json',
    'accept: text/event-stream',
    `x-request-id: ${requestId.replaceAll(UNSPEAKABLE, '?')}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

/** The first lines of a request that leaves this machine. */
function remoteHead({ basePath, authority, ...endpoint }: RemoteEndpoint, request: TokenStreamRequest): string[] {
  const secret = endpoint.forwardsAuthorization ? request.authorization : endpoint.authorization;
  return [
    `POST ${basePath}${PATHS[request.replica.tokenRoute]} HTTP/1.1`,
    `host: ${authority}`,
    ...(secret ? [`authorization: ${secret.reveal()}`] : []),
  ];
}
