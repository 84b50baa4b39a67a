import { encodeAll, encodeText } from '../harmony/encode.ts';
import { parseConversation } from '../harmony/parse.ts';
import type { Piece } from '../harmony/render.ts';
import { TOKENS } from '../harmony/tokens.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';
import { replyTo, WEATHER_TOOL, type Reply } from './world.ts';

/**
 * The token ids with which the tiny model would go on after this prompt, up to and including the one that ends its
 * turn. A prompt that ends within the model's own turn (an answer taken up on another replica) is continued where it
 * stands.
 */
export function completeTokens(vocabulary: Vocabulary, promptTokenIds: readonly number[]): readonly number[] {
  const turnStart = startOfTurn(vocabulary, promptTokenIds);
  const messages = parseConversation(vocabulary, promptTokenIds.slice(0, turnStart));
  const whole = encodeAll(vocabulary, renderReply(replyTo(messages)));
  const spoken = promptTokenIds.slice(turnStart + 2);
  const continues = spoken.length < whole.length && spoken.every((tokenId, index) => tokenId === whole[index]);
  return continues ? whole.slice(spoken.length) : whole;
}

/** Where `<|start|>assistant` stands that opens the model's current turn: the first one after anybody else's message. */
function startOfTurn(vocabulary: Vocabulary, tokenIds: readonly number[]): number {
  const [assistant] = encodeText(vocabulary, 'assistant');
  const others = tokenIds.findLastIndex(
    (tokenId, at) => tokenId === TOKENS.start && at < tokenIds.length - 1 && tokenIds[at + 1] !== assistant,
  );
  const start = tokenIds.indexOf(TOKENS.start, others + 1);
  return start === -1 ? tokenIds.length : start;
}

function renderReply(reply: Reply): Piece[] {
  const thought = [TOKENS.channel, 'analysis', TOKENS.message, reply.analysis, TOKENS.end, TOKENS.start, 'assistant'];
  if ('final' in reply) {
    return [...thought, TOKENS.channel, 'final', TOKENS.message, reply.final, TOKENS.return];
  }
  const header = [TOKENS.channel, `commentary to=functions.${WEATHER_TOOL} `, TOKENS.constrain, 'json', TOKENS.message];
  const call = [...header, reply.callArguments, TOKENS.call];
  if (reply.preamble === null) return [...thought, ...call];
  const preamble = [
    TOKENS.channel,
    'commentary',
    TOKENS.message,
    reply.preamble,
    TOKENS.end,
    TOKENS.start,
    'assistant',
  ];
  return [...thought, ...preamble, ...call];
}
