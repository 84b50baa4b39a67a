import { CodedError } from '../domain/errors.ts';
import type { JsonSchema, ResponseFormat } from '../harmony/message.ts';
import type { TextFormat } from '../protocol/responses.ts';
import type { OutputWish } from '../turn/constraint.ts';
import { grammarProblem } from '../turn/grammar-limits.ts';
import { jsonObject, oneOf, wrongType, type Json } from './json.ts';

/** What the answer is to look like: echoed, shown to the model, and held by the grammar. */
export interface AnswerFormat {
  readonly echo: TextFormat;
  /** What the prompt says about it; null for free text. */
  readonly hint: ResponseFormat | null;
  readonly wish: OutputWish['answer'];
}

const FREE_TEXT: AnswerFormat = { echo: { type: 'text' }, hint: null, wish: { kind: 'text' } };
const JSON_OBJECT: AnswerFormat = {
  echo: { type: 'json_object' },
  hint: { name: 'json_object', description: 'Answer with one JSON object.', schema: { type: 'object' } },
  wish: { kind: 'json_object' },
};
const FORMAT_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Reads `text.format`. Throws a `CodedError` with the path, also for a schema that could not be held. */
export function readTextFormat(value: unknown): AnswerFormat {
  if (value === undefined || value === null) return FREE_TEXT;
  const format = jsonObject(value, 'text.format');
  const type = oneOf(format['type'], ['text', 'json_object', 'json_schema'] as const, 'text.format.type');
  if (type === 'text') return FREE_TEXT;
  return type === 'json_object' ? JSON_OBJECT : readJsonSchema(format);
}

function readJsonSchema(format: Json): AnswerFormat {
  const { name, description, strict } = format as Record<'name' | 'description' | 'strict', unknown>;
  if (typeof name !== 'string') throw wrongType('text.format.name', 'a string', name);
  if (!FORMAT_NAME.test(name)) {
    const message = 'text.format.name must have 1 to 64 letters, digits, underscores or dashes.';
    throw new CodedError('invalid_value', message, { param: 'text.format.name' });
  }
  const schema: JsonSchema = jsonObject(format['schema'], 'text.format.schema');
  const problem = grammarProblem(schema);
  if (problem !== null) {
    const message = `Invalid schema for text.format: ${problem.reason}${problem.remedy ? ` ${problem.remedy}` : ''}`;
    throw new CodedError('invalid_answer_schema', message, {
      param: ['text.format.schema', problem.path].filter(Boolean).join('.'),
    });
  }
  const about = typeof description === 'string' ? description : null;
  return {
    echo: { type: 'json_schema', name, description: about, schema, strict: strict === true },
    hint: { name, description: about, schema },
    wish: { kind: 'json_schema', schema },
  };
}
