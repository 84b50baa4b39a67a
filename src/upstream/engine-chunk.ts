import type { EngineChunk } from '../protocol/generate.ts';

const PROMPT_ECHO = '"prompt_token_ids":[';
/** Frames of one token are about 260 bytes; only an echoed prompt makes one much longer. */
const LONG_FRAME = 4096;

/**
 * One frame's JSON, or null when it is none or not an object. `/v1/completions` repeats the whole prompt in its first
 * frame (0.7 MB for 100,000 tokens) and has no switch against it: that array is cut out before parsing, which costs a
 * thirtieth. Within a JSON string the quotes would be escaped, so the pattern matches only the key itself.
 */
export function parseEngineChunk(data: string): EngineChunk | null {
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
