import { developerText } from './developer.ts';
import type { AssistantCall, AssistantMessage, HarmonyMessage, SystemMessage } from './message.ts';
import { TOKENS } from './tokens.ts';

/**
 * A stretch of a prompt: a control token, text that still has to be encoded (and can never become a control token,
 * whatever it spells), or ids that are taken as they are.
 */
export type Piece = number | string | readonly number[];

const DEFAULT_IDENTITY = 'You are ChatGPT, a large language model trained by OpenAI.';
const DEFAULT_CUTOFF = '2024-06';
const CHANNELS = '# Valid channels: analysis, commentary, final. Channel must be included for every message.';
const FUNCTIONS_TO_COMMENTARY = "Calls to these tools must go to the commentary channel: 'functions'.";

/**
 * The prompt that asks the model to go on with this conversation: every message, then `<|start|>assistant`. Renders
 * what it is given; `dropOldAnalysis` comes first. Spelled as openai-harmony 0.0.8 renders for completion, the content
 * type of a past call being `json`, as gpt-oss's chat template and vLLM write it.
 */
export function renderConversation(messages: readonly HarmonyMessage[]): Piece[] {
  return [...renderPieces(messages)];
}

/** The same piece by piece, so that a conversation of a million messages is rendered no further than it is wanted. */
export function* renderPieces(messages: readonly HarmonyMessage[]): Generator<Piece> {
  for (const message of messages) yield* renderMessage(message);
  yield TOKENS.start;
  yield 'assistant';
}

function renderMessage(message: HarmonyMessage): Piece[] {
  switch (message.role) {
    case 'system':
      return plain('system', systemText(message));
    case 'developer':
      return plain('developer', developerText(message));
    case 'user':
      return plain('user', message.text);
    case 'assistant':
      return message.channel === 'call' ? renderCall(message) : renderAnswer(message);
    case 'tool':
      return [
        TOKENS.start,
        `functions.${message.name} to=assistant`,
        TOKENS.channel,
        'commentary',
        TOKENS.message,
        message.output,
        TOKENS.end,
      ];
  }
}

const plain = (role: string, text: string): Piece[] => [TOKENS.start, role, TOKENS.message, text, TOKENS.end];

/** A past message ends with `<|end|>`, also a final that was generated with `<|return|>`. */
function renderAnswer({ channel, text, tokenIds }: AssistantMessage): Piece[] {
  const body: Piece[] = tokenIds === undefined ? [TOKENS.channel, channel, TOKENS.message, text] : [tokenIds];
  return [TOKENS.start, 'assistant', ...body, TOKENS.end];
}

function renderCall({ name, arguments: argumentsText, tokenIds }: AssistantCall): Piece[] {
  if (tokenIds !== undefined) return [TOKENS.start, 'assistant', tokenIds, TOKENS.call];
  return [
    TOKENS.start,
    `assistant to=functions.${name}`,
    TOKENS.channel,
    'commentary json',
    TOKENS.message,
    argumentsText,
    TOKENS.call,
  ];
}

function systemText({ identity, knowledgeCutoff, date, effort, hasFunctionTools }: SystemMessage): string {
  const head = [identity ?? DEFAULT_IDENTITY, `Knowledge cutoff: ${knowledgeCutoff ?? DEFAULT_CUTOFF}`];
  if (date !== null) head.push(`Current date: ${date}`);
  const channels = hasFunctionTools ? `${CHANNELS}\n${FUNCTIONS_TO_COMMENTARY}` : CHANNELS;
  return [head.join('\n'), `Reasoning: ${effort}`, channels].join('\n\n');
}
