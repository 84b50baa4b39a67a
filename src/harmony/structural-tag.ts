import { FIRST_CONTROL_TOKEN, TOKENS } from './tokens.ts';

/** A JSON schema as the grammar takes it; `true` is any JSON value. */
export type GrammarSchema = Readonly<Record<string, unknown>> | true;

/** A function that the model may call, and what its arguments must match. */
export interface CallRule {
  readonly name: string;
  readonly schema: GrammarSchema;
}

/** What must hold in one generation. At least one of `calls` and `answer` is there. */
export interface OutputRule {
  /** At most so many tokens of reasoning, in one message; 0 leaves it out, null does not limit it. */
  readonly maxReasoningTokens: number | null;
  readonly calls: readonly CallRule[];
  /** Null: the generation must end in a call. */
  readonly answer: { readonly kind: 'text' } | { readonly kind: 'json'; readonly schema: GrammarSchema } | null;
}

/** A message of free text for nobody in particular, by its channel: a thought, a preamble, an answer. */
export type FreeText = 'analysis' | 'commentary' | 'final';

/** The forms of xgrammar's structural tags that Chorus uses (xgrammar 0.2.8, `structural_tag.py`). */
export type TagFormat =
  | { readonly type: 'const_string'; readonly value: string }
  | { readonly type: 'any_tokens'; readonly exclude_tokens: readonly number[]; readonly max_tokens?: number }
  | {
      readonly type: 'json_schema';
      readonly json_schema: GrammarSchema;
      readonly max_whitespace_cnt: number;
      readonly excludes: readonly string[];
    }
  | {
      readonly type: 'tag';
      readonly begin: string;
      readonly content: TagFormat;
      readonly end: string | readonly string[];
    }
  | { readonly type: 'sequence' | 'or'; readonly elements: readonly TagFormat[] }
  | { readonly type: 'star' | 'optional'; readonly content: TagFormat };

export interface StructuralTag {
  readonly type: 'structural_tag';
  readonly format: TagFormat;
}

/** Inside text only text: a control token would be taken for what it controls. */
const EXCLUDED_TOKENS: readonly number[] = Object.values(TOKENS).filter((id) => id >= FIRST_CONTROL_TOKEN);
/** A stop token may follow a complete grammar, so what it stands for is not spelled; `<|end|>` may be. */
const LAST_ENDS = ['<|end|>', ''];
/** Keeps weak models from filling the limit with blanks; the server's own switch does not reach tags. */
const MAX_WHITESPACE = 1;

/**
 * The grammar that holds `rule` from the first token after `<|start|>assistant`: reasoning and preambles as the rule
 * lets them, then one of the calls or the answer. With `open` it holds the rest of a generation that stands in the
 * middle of such a message: its text goes on, and then what may follow it.
 */
export function structuralTag(rule: OutputRule, open: FreeText | null = null): StructuralTag {
  return { type: 'structural_tag', format: open === null ? wholeFormat(rule) : restFormat(rule, open) };
}

function wholeFormat({ maxReasoningTokens, calls, answer }: OutputRule): TagFormat {
  const endings = [...calls.map(callFormat), ...(answer === null ? [] : [answerFormat(answer)])];
  const [only] = endings;
  const ending: TagFormat = endings.length === 1 && only ? only : { type: 'or', elements: endings };
  return sequence([...openings(maxReasoningTokens, calls.length > 0), ending]);
}

/** The one thought of a limited rule has been had. */
function restFormat(rule: OutputRule, open: FreeText): TagFormat {
  const text = { type: 'tag', begin: '', content: anyText(null) } as const;
  if (open === 'final') return { ...text, end: LAST_ENDS };
  const maxReasoningTokens = rule.maxReasoningTokens === null ? null : 0;
  return sequence([thenNextMessage({ ...text, end: '<|end|>' }), wholeFormat({ ...rule, maxReasoningTokens })]);
}

/** What may come before. A preamble announces a call, so without calls there is none. */
function openings(maxReasoningTokens: number | null, withPreambles: boolean): TagFormat[] {
  const preamble = thenNextMessage(channelText('commentary', null));
  if (maxReasoningTokens === null) {
    const analysis = thenNextMessage(channelText('analysis', null));
    return [{ type: 'star', content: withPreambles ? { type: 'or', elements: [analysis, preamble] } : analysis }];
  }
  const limited: TagFormat = {
    type: 'optional',
    content: thenNextMessage(channelText('analysis', maxReasoningTokens)),
  };
  return [
    ...(maxReasoningTokens > 0 ? [limited] : []),
    ...(withPreambles ? [{ type: 'star', content: preamble } as const] : []),
  ];
}

function channelText(channel: 'analysis' | 'commentary', maxTokens: number | null): TagFormat {
  return { type: 'tag', begin: `<|channel|>${channel}<|message|>`, content: anyText(maxTokens), end: '<|end|>' };
}

function anyText(maxTokens: number | null): TagFormat {
  return {
    type: 'any_tokens',
    exclude_tokens: EXCLUDED_TOKENS,
    ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
  };
}

const thenNextMessage = (message: TagFormat): TagFormat =>
  sequence([message, { type: 'const_string', value: '<|start|>assistant' }]);

function callFormat({ name, schema }: CallRule): TagFormat {
  const begin = `<|channel|>commentary to=functions.${name} <|constrain|>json<|message|>`;
  return { type: 'tag', begin, content: json(schema), end: LAST_ENDS };
}

function answerFormat(answer: NonNullable<OutputRule['answer']>): TagFormat {
  if (answer.kind === 'text') {
    return { type: 'tag', begin: '<|channel|>final<|message|>', content: anyText(null), end: LAST_ENDS };
  }
  const begin = '<|channel|>final <|constrain|>json<|message|>';
  return { type: 'tag', begin, content: json(answer.schema), end: LAST_ENDS };
}

/** JSON strings may not spell a control token: `<|` opens every one of them. */
const json = (schema: GrammarSchema): TagFormat => ({
  type: 'json_schema',
  json_schema: schema,
  max_whitespace_cnt: MAX_WHITESPACE,
  excludes: ['<|'],
});

const sequence = (elements: readonly TagFormat[]): TagFormat => ({ type: 'sequence', elements });
