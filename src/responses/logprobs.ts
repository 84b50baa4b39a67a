import type { Vocabulary } from '../harmony/vocabulary.ts';
import type { EngineLogprob } from '../protocol/generate.ts';
import type { TokenLogprob } from '../protocol/responses.ts';

/** The engine's entry, which names tokens by id, as OpenAI's, which spells them. */
export function spellLogprob(
  vocabulary: Vocabulary,
  { token_id: id, logprob, top_logprobs: top }: EngineLogprob,
): TokenLogprob {
  const alternatives = top ?? [];
  return {
    ...spellToken(vocabulary, id, logprob),
    top_logprobs: alternatives.map((alternative) => spellToken(vocabulary, alternative.token_id, alternative.logprob)),
  };
}

/** A token that is a part of a character has a replacement character as its text; its bytes are exact. */
function spellToken(vocabulary: Vocabulary, id: number, logprob: number): Omit<TokenLogprob, 'top_logprobs'> {
  const bytes = vocabulary.tokenBytes(id);
  return { token: new TextDecoder().decode(bytes), logprob, bytes: [...bytes] };
}
