import { encodeAll, encodeText } from '../harmony/encode.ts';
import { parseConversation } from '../harmony/parse.ts';
import type { Piece } from '../harmony/render.ts';
import { TOKENS } from '../harmony/tokens.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';
import type { OutputRule } from '../harmony/structural-tag.ts';
import { smallestInstance } from './json-instance.ts';
import { CANNOT_CHECK, replyTo, type Reply } from './world.ts';

/**
 * The token ids with which the tiny model would go on after this prompt, up to and including the one that ends its
 * turn, held to `rule` where there is one. A prompt that ends within the model's own turn (an answer taken up on
 * another replica) is continued where it stands.
 */
export function completeTokens(
  vocabulary: Vocabulary,
  promptTokenIds: readonly number[],
  rule: OutputRule | null,
): readonly number[] {
  const turnStart = startOfTurn(vocabulary, promptTokenIds);
  const reply = replyTo(parseConversation(vocabulary, promptTokenIds.slice(0, turnStart)));
  const spoken = promptTokenIds.slice(turnStart + 2);
  const maxThoughtTokens = spokenThoughtTokens(vocabulary, spoken) ?? rule?.maxReasoningTokens ?? Infinity;
  const pieces = [
    ...thoughtPieces(vocabulary, reply, rule, maxThoughtTokens),
    ...endingPieces(rule ? holdTo(rule, reply) : reply.ending),
  ];
  const whole = encodeAll(vocabulary, pieces);
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

/** How long the thought is in what has been said, where that is known: it was said to its end, or there is none. */
function spokenThoughtTokens(vocabulary: Vocabulary, spoken: readonly number[]): number | null {
  const header = encodeAll(vocabulary, [TOKENS.channel, 'analysis', TOKENS.message]);
  if (spoken.length < header.length) return null;
  if (!header.every((tokenId, index) => tokenId === spoken[index])) return 0;
  const end = spoken.indexOf(TOKENS.end);
  return end === -1 ? null : end - header.length;
}

const NEXT_MESSAGE: readonly Piece[] = [TOKENS.end, TOKENS.start, 'assistant'];

/** The thought, cut to `limit` tokens, and then the preamble; a rule without calls leaves no room for one. */
function thoughtPieces(
  vocabulary: Vocabulary,
  { analysis, ending }: Reply,
  rule: OutputRule | null,
  limit: number,
): Piece[] {
  const thought = encodeText(vocabulary, analysis).slice(0, limit);
  const preamble = ending.kind === 'call' && rule?.calls.length !== 0 ? ending.preamble : null;
  return [
    ...(limit === 0 ? [] : [TOKENS.channel, 'analysis', TOKENS.message, thought, ...NEXT_MESSAGE]),
    ...(preamble === null ? [] : [TOKENS.channel, 'commentary', TOKENS.message, preamble, ...NEXT_MESSAGE]),
  ];
}

type Ending =
  | { readonly kind: 'text' | 'json'; readonly text: string }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: string };

/** What the model wants to say where the rule lets it, otherwise the smallest thing that the rule lets it say. */
function holdTo({ calls, answer }: OutputRule, { ending }: Reply): Ending {
  const wanted = ending.kind === 'call' ? calls.find(({ name }) => name === ending.name) : undefined;
  const call = wanted ?? (answer === null ? calls[0] : undefined);
  if (call) {
    const wish = wanted && ending.kind === 'call' ? parseJson(ending.arguments) : undefined;
    return { kind: 'call', name: call.name, arguments: JSON.stringify(smallestInstance(call.schema, wish)) };
  }
  const said = ending.kind === 'call' ? CANNOT_CHECK : ending.text;
  if (answer?.kind !== 'json') return { kind: 'text', text: said };
  return { kind: 'json', text: JSON.stringify(smallestInstance(answer.schema, parseJson(said))) };
}

function endingPieces(ending: Ending): Piece[] {
  switch (ending.kind) {
    case 'text':
      return [TOKENS.channel, 'final', TOKENS.message, ending.text, TOKENS.return];
    case 'json':
      return [TOKENS.channel, 'final ', TOKENS.constrain, 'json', TOKENS.message, ending.text, TOKENS.return];
    case 'call': {
      const header = [TOKENS.channel, `commentary to=functions.${ending.name} `, TOKENS.constrain, 'json'];
      return [...header, TOKENS.message, ending.arguments, TOKENS.call];
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
