import { withWording } from '../completions/reword.ts';
import type { ChatCompletion, CreateChatBody } from '../protocol/chat.ts';
import { newDashedId } from '../responses/ids.ts';
import { prepareTurn, type PrepareOptions } from '../responses/request.ts';
import type { AskedTurn } from '../turn/answer-turn.ts';
import { ChatChunks, type ChatHead } from './chat-chunks.ts';
import { readChat } from './chat-request.ts';
import { ChatWriter } from './chat-writer.ts';

/** Checks a well-typed body and says what to ask. Throws a `CodedError` that names the field as the body has it. */
export function prepareChat(
  chat: CreateChatBody,
  options: PrepareOptions,
  fingerprint: string,
): AskedTurn<ChatCompletion> {
  const { caller, nowMs } = options;
  const { body, wording } = readChat(chat);
  const id = newDashedId('chatcmpl', nowMs);
  const showReasoning = options.showReasoning && chat.include_reasoning !== false;
  const { turn, policy } = withWording(wording, () => prepareTurn(body, id, { ...options, showReasoning }));
  const head: ChatHead = {
    id,
    created: Math.floor(nowMs / 1000),
    model: turn.model,
    system_fingerprint: fingerprint,
    service_tier: 'default',
  };
  const style = { head, policy, wording, hasLogprobs: chat.logprobs === true };
  return {
    api: 'chat',
    caller,
    turn,
    openWriter: (write, onFirstOutput) => {
      const includesUsage = chat.stream_options?.include_usage === true;
      const chunks = write && new ChatChunks(head, includesUsage, write);
      return new ChatWriter(style, chunks, onFirstOutput);
    },
  };
}
