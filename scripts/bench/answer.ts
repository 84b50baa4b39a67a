import { TOKENS } from '../../src/harmony/tokens.ts';
import type { Vocabulary } from '../../src/harmony/vocabulary.ts';
import { encodeText } from '../../src/harmony/encode.ts';
import type { ExpectedAnswer } from './check-answer.ts';

/** One answer of the model: a thought and a text of single-token words. */
export interface Answer extends ExpectedAnswer {
  readonly tokenIds: readonly number[];
  /** The id of the first word of the thought: from there on a client has something to show. */
  readonly firstWordId: number;
}

/** Tokens up to and including the first word. */
export const LEAD_TOKENS = 4;

/** Low ids are fragments; from here on there are thousands of whole words. */
const FIRST_WORD_ID = 1000;
const WORD = /^ [A-Za-z]{2,10}$/;

/** An answer of `thoughtWords` and `textWords` (at least one each), the same for the same numbers. */
export function makeAnswer(vocabulary: Vocabulary, thoughtWords: number, textWords: number): Answer {
  const wordIds = words(vocabulary, thoughtWords + textWords);
  const spell = (text: string): number[] => encodeText(vocabulary, text);
  const { channel, message, end, start } = TOKENS;
  const textIds = wordIds.slice(thoughtWords);
  const tokenIds = [
    channel,
    ...spell('analysis'),
    message,
    ...wordIds.slice(0, thoughtWords),
    end,
    start,
    ...spell('assistant'),
    channel,
    ...spell('final'),
    message,
    ...textIds,
    TOKENS.return,
  ];
  const text = textIds.map((id) => vocabulary.wholeText(id) ?? '').join('');
  return { tokenIds, tokenCount: tokenIds.length, text, firstWordId: wordIds[0] ?? 0 };
}

function words(vocabulary: Vocabulary, count: number): number[] {
  const ids: number[] = [];
  for (let id = FIRST_WORD_ID; ids.length < count; id++) if (WORD.test(vocabulary.wholeText(id) ?? '')) ids.push(id);
  return ids;
}
