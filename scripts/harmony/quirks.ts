import type { Piece } from '../../src/harmony/render.ts';
import type { ParsedMessage } from '../../src/harmony/parse.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { spelled } from './spelled.ts';

/** Part of what a model could generate, from behind `<|start|>assistant` on, and what it means. */
export interface Fragment {
  readonly pieces: readonly Piece[];
  readonly messages: readonly ExpectedMessage[];
}

/** A text of null stands for bytes that need not be text: there the library is the judge. */
export type ExpectedMessage = Omit<ParsedMessage, 'text'> & { readonly text: string | null };

const plain = (fields: Partial<ExpectedMessage>): ExpectedMessage => ({
  role: 'assistant',
  channel: null,
  recipient: null,
  contentType: null,
  text: '',
  how: 'end',
  ...fields,
});
const final = (text: string): ExpectedMessage => plain({ channel: 'final', text });
const analysis = (text: string): ExpectedMessage => plain({ channel: 'analysis', text });
const toX = (text: string): ExpectedMessage =>
  plain({ channel: 'commentary', recipient: 'functions.x', contentType: 'json', text, how: 'call' });

const fragment = (line: string, ...messages: ExpectedMessage[]): Fragment => ({ pieces: spelled(line), messages });

/**
 * The intended differences: what gpt-oss may generate, and what Chorus reads in it where openai-harmony 0.0.8 reads
 * something else, or stops with an error and loses what follows. Anything else that differs is a defect.
 */
export const QUIRKS = {
  'JSON header on final': fragment(
    '<|channel|>final <|constrain|>json<|message|>{}<|end|>',
    plain({ channel: 'final', contentType: 'json', text: '{}' }),
  ),
  'JSON header on final, content type without mark': fragment(
    '<|channel|>final json<|message|>{}<|end|>',
    plain({ channel: 'final', contentType: 'json', text: '{}' }),
  ),
  'word after the channel (final answer)': fragment(
    '<|channel|>final answer<|message|>a<|end|>',
    plain({ channel: 'final', contentType: 'answer', text: 'a' }),
  ),
  'recipient in both parts': fragment(
    ' to=functions.a<|channel|>commentary to=functions.x json<|message|>{}<|call|>',
    toX('{}'),
  ),
  'content type before the recipient': fragment(
    '<|channel|>commentary json to=functions.x<|message|>{}<|call|>',
    toX('{}'),
  ),
  'space after <|constrain|>': fragment(
    '<|channel|>commentary to=functions.x <|constrain|> json<|message|>{}<|call|>',
    toX('{}'),
  ),
  'space before the channel': fragment('<|channel|> final<|message|>a<|end|>', final('a')),
  'two channels': fragment('<|channel|>analysis<|channel|>final<|message|>a<|end|>', final('a')),
  'header repeated': fragment('<|start|>assistant<|channel|>final<|message|>a<|end|>', final('a')),
  'unknown role': fragment(
    '<|channel|>final<|message|>a<|end|><|start|>robot<|channel|>final<|message|>b<|end|>',
    final('a'),
    { ...final('b'), role: 'robot' },
  ),
  'blank text after an end': fragment('<|channel|>final<|message|>a<|end|>\n', final('a')),
  'text after an end': fragment(
    '<|channel|>final<|message|>a<|end|>and so on<|end|>',
    final('a'),
    plain({ text: 'and so on' }),
  ),
  'missing <|start|>': fragment(
    '<|channel|>analysis<|message|>a<|end|>assistant<|channel|>final<|message|>b<|end|>',
    analysis('a'),
    final('b'),
  ),
  'missing <|start|> and role': fragment(
    '<|channel|>analysis<|message|>a<|end|><|channel|>final<|message|>b<|end|>',
    analysis('a'),
    final('b'),
  ),
  'double end': fragment('<|channel|>final<|message|>a<|end|><|end|>', final('a')),
  'missing <|message|>, nothing said': fragment('<|channel|>analysis<|end|>', analysis('')),
  'missing <|message|>, something said': fragment('<|channel|>final Hello you<|end|>', final('Hello you')),
  'call without <|message|>': fragment(
    '<|channel|>commentary to=functions.x <|constrain|>json{"a":1}<|call|>',
    toX('{"a":1}'),
  ),
  'no header': fragment('hello<|end|>', plain({ text: 'hello' })),
  'no header, then one': fragment('hello<|channel|>final<|message|>a<|end|>', plain({ text: 'hello' }), final('a')),
  '<|start|> inside content': fragment(
    '<|channel|>analysis<|message|>a<|start|>assistant<|channel|>final<|message|>b<|end|>',
    analysis('a'),
    final('b'),
  ),
  '<|channel|> inside content': fragment(
    '<|channel|>analysis<|message|>a<|channel|>final<|message|>b<|end|>',
    analysis('a'),
    final('b'),
  ),
  '<|message|> inside content': fragment('<|channel|>final<|message|>a<|message|>b<|end|>', final('ab')),
  '<|constrain|> inside content': fragment('<|channel|>final<|message|>a<|constrain|>b<|end|>', final('ab')),
  'reserved id inside content': fragment('<|channel|>final<|message|>a<|reserved_200013|>b<|end|>', final('ab')),
  '<|endoftext|> inside content': fragment('<|channel|>final<|message|>a<|endoftext|>', {
    ...final('a'),
    how: 'return',
  }),
  'incomplete character at the end': {
    // The first three of the four bytes of an emoji. The library streams nothing for it, but keeps U+FFFD in the message.
    pieces: [...spelled('<|channel|>final<|message|>a'), [28_823], TOKENS.end],
    messages: [final('a')],
  },
} satisfies Record<string, Fragment>;

export type QuirkName = keyof typeof QUIRKS;
