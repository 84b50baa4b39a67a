/** The bytes of one answer of `POST /inference/v1/generate`, spelled once for all streams. */
export interface EngineScript {
  /** The response head of a stream. */
  readonly head: Buffer;
  /** The frames of all tokens, the usage, `[DONE]` and the last chunk, each framed as one HTTP chunk. */
  readonly body: Buffer;
  /** By number of tokens, from 0: where in `body` the last frame ends that may be sent then. */
  readonly ends: readonly number[];
  /** The whole response to a request without `stream`. */
  readonly wholeAnswer: Buffer;
}

/** As long as the ids that Chorus gives its requests. */
const REQUEST_ID = `generate-tokens-resp_${'0123456789ab'.repeat(4)}`;
const PROMPT_TOKENS = 100;

/**
 * An answer of these ids, key for key as vLLM 0.32 sends it: one chunk and one event for the first token, and then for
 * every `interval` (vLLM `v1/engine/output_processor.py`, `stream_interval`).
 */
export function engineScript(tokenIds: readonly number[], interval: number): EngineScript {
  const pieces: Buffer[] = [];
  const ends = [0];
  let length = 0;
  const append = (text: string): void => {
    const piece = Buffer.from(text);
    pieces.push(piece);
    length += piece.length;
  };
  let sent = 0;
  for (let count = 1; count <= tokenIds.length; count++) {
    const isLast = count === tokenIds.length;
    if (sent === 0 || isLast || count - sent >= interval) {
      append(httpChunk(tokenFrame(tokenIds.slice(sent, count), isLast)));
      sent = count;
    }
    ends.push(length);
  }
  append(httpChunk(`data: ${JSON.stringify(usageChunk(tokenIds.length))}\n\n`));
  append(httpChunk('data: [DONE]\n\n'));
  append('0\r\n\r\n');
  ends[tokenIds.length] = length;
  return { head: STREAM_HEAD, body: Buffer.concat(pieces), ends, wholeAnswer: wholeAnswer(tokenIds) };
}

const STREAM_HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\ndate: Mon, 01 Jan 2024 00:00:00 GMT\r\nserver: uvicorn\r\n' +
    'content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n',
);

function tokenFrame(tokenIds: readonly number[], last: boolean): string {
  const nothing = { routed_experts: null, sampling_mask: null, weight_versions: null, logprobs: null };
  const choice = { index: 0, finish_reason: last ? 'stop' : null, stop_reason: null, token_ids: tokenIds, ...nothing };
  const chunk = { request_id: REQUEST_ID, usage: null, output_mode: 'tokens', choices: [choice] };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

const usageOf = (tokenCount: number): object => ({
  prompt_tokens: PROMPT_TOKENS,
  total_tokens: PROMPT_TOKENS + tokenCount,
  completion_tokens: tokenCount,
  prompt_tokens_details: { cached_tokens: 0 },
});

const usageChunk = (tokenCount: number): object => ({
  request_id: REQUEST_ID,
  usage: usageOf(tokenCount),
  output_mode: 'tokens',
  choices: [],
});

function wholeAnswer(tokenIds: readonly number[]): Buffer {
  const choices = [{ index: 0, finish_reason: 'stop', stop_reason: null, token_ids: tokenIds, logprobs: null }];
  const facts = {
    request_id: REQUEST_ID,
    model: 'gpt-oss-20b',
    created: 1_704_067_200,
    usage: usageOf(tokenIds.length),
  };
  return httpAnswer(JSON.stringify({ ...facts, prompt_token_ids: null, output_mode: 'tokens', choices }));
}

/** A whole JSON response with status 200. */
export function httpAnswer(json: string): Buffer {
  return Buffer.from(
    `HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`,
  );
}

const httpChunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
