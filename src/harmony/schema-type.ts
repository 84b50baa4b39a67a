import { isObject } from '../domain/json.ts';
import type { JsonSchema } from './message.ts';

/** How much deeper the fields of a nested object, and the variants of a union, are set. */
const FIELD_INDENT = '    ';
const VARIANT_INDENT = '   ';

/**
 * A JSON schema as the TypeScript type that gpt-oss was trained to read, with descriptions, defaults and examples as
 * comments; spelled as openai-harmony 0.0.8 does, its odd indentation and unescaped quotes included. It has no words
 * for `$ref`, `anyOf`, `allOf` and `const` (they are `any`): `inlineSchema` comes first.
 */
export function schemaType(schema: unknown, indent = ''): string {
  const shape = asObject(schema);
  const { oneOf, type, enum: choices, items } = shape;
  if (Array.isArray(oneOf)) return oneOf.map((variant) => `\n${indent} | ${unionMember(variant, indent)}`).join('');
  if (Array.isArray(type)) return type.filter(isString).map(scalarType).join(' | ') || 'any';
  switch (type) {
    case 'object':
      return objectType(shape, indent);
    case 'array':
      return items === undefined ? 'Array<any>' : `${schemaType(items, indent)}[]`;
    case 'string':
      return enumType(choices) || 'string';
    case 'number':
    case 'integer':
    case 'boolean':
      return scalarType(type);
    default:
      return 'any';
  }
}

const scalarType = (type: string): string => (type === 'integer' ? 'number' : type);

const enumType = (choices: unknown): string => {
  const texts = Array.isArray(choices) ? choices.filter(isString) : [];
  return texts.length === 0 ? '' : `"${texts.join('" | "')}"`;
};

/** One variant of a union that is not a field's own type; a default is quoted there even if it is one of an enum. */
function unionMember(variant: unknown, indent: string): string {
  const { description, default: value } = asObject(variant);
  return nullableType(variant, indent + VARIANT_INDENT) + trailingComment([description, quotedDefault(value)]);
}

function objectType(schema: JsonSchema, indent: string): string {
  const required = new Set<unknown>(Array.isArray(schema['required']) ? schema['required'] : []);
  const fields = Object.entries(asObject(schema['properties'])).map(([key, value]) =>
    field(required.has(key) ? key : `${key}?`, asObject(value), indent),
  );
  return `${comment(schema['description'], indent)}{\n${fields.join('')}${indent}}`;
}

function field(name: string, schema: JsonSchema, indent: string): string {
  const { title, description, examples, default: value, oneOf } = schema;
  const titleLines = isString(title) ? `${indent}// ${title}\n${indent}//\n` : '';
  if (Array.isArray(oneOf)) {
    return titleLines + exampleLines(examples, indent) + unionField(name, schema, oneOf, indent);
  }
  // A union that is none silences description and default.
  const isPlain = oneOf === undefined;
  const lines = titleLines + (isPlain ? comment(description, indent) : '') + exampleLines(examples, indent);
  const type = nullableType(schema, indent + FIELD_INDENT);
  const defaultText = isPlain ? defaultComment(value, schema) : null;
  return `${lines}${indent}${name}: ${type},${defaultText === null ? '' : ` // ${defaultText}`}\n`;
}

/** The first variant's description counts as the field's own; what would be said twice is said once or not at all. */
function unionField(name: string, schema: JsonSchema, variants: readonly unknown[], indent: string): string {
  const { description } = schema;
  const first = asObject(variants[0])['description'];
  const own = isString(description) && description !== first ? comment(description, indent) : '';
  const fieldDefault = defaultComment(schema['default'], schema);
  const lines = variants.map((variant, index) => {
    const { description: said, default: value } = asObject(variant);
    const isRepeated = isString(description) && (index === 0 || said === description);
    const trailing = trailingComment([isRepeated ? null : said, defaultComment(value, asObject(variant))]);
    return `${indent} | ${nullableType(variant, indent + VARIANT_INDENT)}${trailing}\n`;
  });
  return `${own}${comment(fieldDefault, indent)}${indent}${name}:\n${lines.join('')}${indent},\n`;
}

function nullableType(schema: unknown, indent: string): string {
  const type = schemaType(schema, indent);
  return asObject(schema)['nullable'] === true && !type.includes('null') ? `${type} | null` : type;
}

/** Only examples that are texts are shown. */
function exampleLines(examples: unknown, indent: string): string {
  if (!Array.isArray(examples) || examples.length === 0) return '';
  const lines = examples.filter(isString).map((example) => `${indent}// - "${example}"\n`);
  return `${indent}// Examples:\n${lines.join('')}`;
}

/** A default that is one of an enum stands without quotes. */
function defaultComment(value: unknown, { enum: choices }: JsonSchema): string | null {
  const isChoice = Array.isArray(choices) && choices.length > 0;
  return isString(value) && isChoice ? `default: ${value}` : quotedDefault(value);
}

function quotedDefault(value: unknown): string | null {
  if (value === undefined) return null;
  return isString(value) ? `default: "${value}"` : `default: ${JSON.stringify(value)}`;
}

const comment = (text: unknown, indent: string): string => (isString(text) ? `${indent}// ${text}\n` : '');

function trailingComment(parts: readonly unknown[]): string {
  const texts = parts.filter(isString);
  return texts.length === 0 ? '' : ` // ${texts.join(' ')}`;
}

const isString = (value: unknown): value is string => typeof value === 'string';

const asObject = (value: unknown): JsonSchema => (isObject(value) ? value : {});
