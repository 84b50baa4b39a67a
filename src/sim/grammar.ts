import type { GrammarSchema, OutputRule, TagFormat } from '../harmony/structural-tag.ts';

/** What vLLM makes of a structural tag: the rule that it stands for, or the way in which it cannot be compiled. */
export type Grammar =
  | { readonly kind: 'rule'; readonly rule: OutputRule }
  | { readonly kind: 'invalid' }
  /** A repeat in a `pattern` that trips an assertion of xgrammar 0.2.8: a 500. */
  | { readonly kind: 'too_large' };

type Tag = Extract<TagFormat, { type: 'tag' }>;

const INVALID: Grammar = { kind: 'invalid' };
const CALL_BEGIN = /^<\|channel\|>commentary to=functions\.([\w-]+) <\|constrain\|>json<\|message\|>$/;
const BOUNDED_REPEAT = /\{\d*,?(\d+)\}/g;
const MAX_REPEAT = 150;
const JSON_TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];

/** Reads a structural tag (JSON text) of the forms that Chorus writes; any other is invalid here. */
export function readGrammar(text: string): Grammar {
  try {
    const { format } = JSON.parse(text) as { format: TagFormat };
    return readTags(tagsOf(format));
  } catch {
    return INVALID;
  }
}

/** All tags in the order in which they stand. Throws on a form that is not known. */
function tagsOf(format: TagFormat): Tag[] {
  switch (format.type) {
    case 'tag':
      return [format];
    case 'sequence':
    case 'or':
      return format.elements.flatMap(tagsOf);
    case 'star':
    case 'optional':
      return tagsOf(format.content);
    case 'const_string':
      return [];
    case 'any_tokens':
    case 'json_schema':
      throw new Error('content without a tag around it');
    default:
      throw new Error(`no form that is known: ${JSON.stringify(format satisfies never)}`);
  }
}

function readTags(tags: readonly Tag[]): Grammar {
  const analysis = tags.find(({ begin }) => begin === '<|channel|>analysis<|message|>');
  const calls = tags.flatMap(({ begin, content }) => {
    const name = CALL_BEGIN.exec(begin)?.[1];
    return name === undefined || content.type !== 'json_schema' ? [] : [{ name, schema: content.json_schema }];
  });
  const final = tags.find(({ begin }) => begin.startsWith('<|channel|>final'));
  const schemas = [
    ...calls.map(({ schema }) => schema),
    ...(final?.content.type === 'json_schema' ? [final.content.json_schema] : []),
  ];
  const problem = schemas.map(schemaProblem).find((found) => found !== null);
  if (problem) return problem;
  if (tags[0]?.begin === '') return restOf(tags.slice(1), { calls, answer: answerOf(final) });
  return { kind: 'rule', rule: { maxReasoningTokens: reasoningLimit(analysis), calls, answer: answerOf(final) } };
}

/** A tag that begins in free text: with nothing behind it that text is the answer. Its thoughts have their length. */
function restOf(behind: readonly Tag[], rule: Pick<OutputRule, 'calls' | 'answer'>): Grammar {
  const answer: OutputRule['answer'] = behind.length === 0 ? { kind: 'text' } : rule.answer;
  return { kind: 'rule', rule: { maxReasoningTokens: null, calls: rule.calls, answer } };
}

function reasoningLimit(analysis: Tag | undefined): number | null {
  if (!analysis) return 0;
  return analysis.content.type === 'any_tokens' ? (analysis.content.max_tokens ?? null) : null;
}

function answerOf(final: Tag | undefined): OutputRule['answer'] {
  if (!final) return null;
  return final.content.type === 'json_schema' ? { kind: 'json', schema: final.content.json_schema } : { kind: 'text' };
}

function schemaProblem(schema: GrammarSchema): Grammar | null {
  const text = JSON.stringify(schema);
  const repeats = [...text.matchAll(/"pattern":"((?:[^"\\]|\\.)*)"/g)].flatMap(([, pattern = '']) =>
    [...pattern.matchAll(BOUNDED_REPEAT)].map(([, most]) => Number(most)),
  );
  if (repeats.some((most) => most > MAX_REPEAT)) return { kind: 'too_large' };
  return schema !== true && typeof schema['type'] === 'string' && !JSON_TYPES.includes(schema['type']) ? INVALID : null;
}
