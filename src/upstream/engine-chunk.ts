import type { EngineChunk } from '../protocol/generate.ts';

const PROMPT_ECHO = '"prompt_token_ids":[';
/** Frames of one token are about 260 bytes; only an echoed prompt makes one much longer. */
const LONG_FRAME = 4096;

/**
 * A frame that brings one token and nothing else, key for key as vLLM 0.32 spells it on `/inference/v1/generate`: nearly
 * all of them. Reading the id out of it costs a third of parsing it; whatever is spelled otherwise is parsed.
 */
const PLAIN_TOKEN =
  /^\{"request_id":"[\w-]*","usage":null,"output_mode":"tokens","choices":\[\{"index":0,"finish_reason":null,"stop_reason":null,"token_ids":\[(\d{1,6})\],"routed_experts":null,"sampling_mask":null,"weight_versions":null,"logprobs":null\}\]\}$/;

/**
 * One frame's JSON, or null when it is none or not an object. `/v1/completions` repeats the whole prompt in its first
 * frame (0.7 MB for 100,000 tokens) and has no switch against it: that array is cut out before parsing, which costs a
 * thirtieth. Within a JSON string the quotes would be escaped, so the pattern matches only the key itself.
 */
export function parseEngineChunk(data: string): EngineChunk | null {
  const plain = PLAIN_TOKEN.exec(data);
  if (plain) return { choices: [{ index: 0, token_ids: [Number(plain[1])] }] };
  try {
    const chunk: unknown = JSON.parse(data.length > LONG_FRAME ? withoutPromptEcho(data) : data);
    return typeof chunk === 'object' && chunk !== null ? chunk : null;
  } catch {
    return null;
  }
}

function withoutPromptEcho(data: string): string {
  const start = data.indexOf(PROMPT_ECHO);
  const end = data.indexOf(']', start);
  return start === -1 || end === -1 ? data : data.slice(0, start + PROMPT_ECHO.length) + data.slice(end);
}
