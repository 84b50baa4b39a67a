import type { FastifySchemaValidationError } from 'fastify';
import { CodedError } from '../domain/errors.ts';
import { isObject, type JsonObject } from '../domain/json.ts';

/** Far above any real request, and far below what exhausts the stack of whoever walks through it. */
const MAX_NESTING = 200;

/** The body as its schema may see it: without nulls. Throws a `CodedError` where there is none, or it is nested too deeply. */
export function readableBody(body: unknown): unknown {
  if (body === undefined) throw new CodedError('empty_body', 'The body is empty. Send a JSON object.');
  checkNesting(body);
  return withoutNulls(body);
}

/** Throws a `CodedError` for a body that is nested too deeply to be worked with. */
export function checkNesting(body: unknown): void {
  if (!isNestedDeeper(body, MAX_NESTING)) return;
  throw new CodedError('invalid_value', `The body is nested more than ${MAX_NESTING} levels deep. Flatten it.`);
}

function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isNestedDeeper(inner, levels - 1));
}

/**
 * A request body without its nulls, at the top and in nested settings: null means absent. What belongs to
 * the client (items, metadata, JSON schemas of tools and formats) stays as it is.
 */
export function withoutNulls(body: unknown): unknown {
  if (!isObject(body) || !holdsNull(body)) return body;
  const entries = Object.entries(body).filter(([, value]) => value !== null);
  return Object.fromEntries(entries.map(([key, value]) => [key, OPAQUE.has(key) ? value : withoutNulls(value)]));
}

/** Most bodies hold none, and need no copy. */
function holdsNull(body: JsonObject): boolean {
  for (const key in body) {
    const value = body[key];
    if (value === null) return true;
    if (isObject(value) && !OPAQUE.has(key) && holdsNull(value)) return true;
  }
  return false;
}

const OPAQUE = new Set(['input', 'metadata', 'tools', 'schema', 'parameters', 'structured_outputs']);

/** `/input/0/type` as clients read it: `input[0].type`. */
function fieldPath(instancePath: string): string {
  const segments = instancePath
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
  return segments.reduce(
    (path, segment) => (/^\d+$/.test(segment) ? `${path}[${segment}]` : path ? `${path}.${segment}` : segment),
    '',
  );
}

/** Ajv's `verbose` option adds the schema that was broken. */
export type SchemaError = FastifySchemaValidationError & { readonly parentSchema?: { readonly type?: unknown } };

/**
 * What the schema validator, which stops at the first fault, says of a request. Where several types are allowed it says
 * one thing for each and `anyOf` last: then it counts what is wrong with the type that the client did send.
 */
export function validationError(errors: readonly [SchemaError, ...SchemaError[]]): CodedError {
  const union = errors.find(({ keyword }) => keyword === 'anyOf');
  if (union === undefined) return errorOf(errors[0]);
  const branches = errors.filter((error) => error !== union);
  const isOtherType = ({ keyword, instancePath }: SchemaError): boolean =>
    keyword === 'type' && instancePath === union.instancePath;
  const meant = branches.find((error) => !isOtherType(error));
  if (meant) return errorOf(meant);
  const path = fieldPath(union.instancePath);
  const types = branches.map(({ params }) => typeName(params['type'])).join(' or ');
  return new CodedError('invalid_type', `Invalid type for ${path}: expected ${types}.`, { param: path });
}

/** One verdict as the error that OpenAI's API gives for it. */
function errorOf(error: SchemaError): CodedError {
  const { keyword, instancePath, params, message } = error;
  const path = fieldPath(instancePath);
  const param = path === '' ? null : path;
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const limit = String(params['limit']);
  const isInteger = error.parentSchema?.type === 'integer';
  switch (keyword) {
    case 'required': {
      const missing = at(String(params['missingProperty']));
      return new CodedError('missing_parameter', `Missing required parameter: ${missing}.`, { param: missing });
    }
    case 'type':
      if (param === null) return new CodedError('invalid_type', 'The body must be a JSON object.', { param });
      return new CodedError('invalid_type', `Invalid type for ${path}: expected ${typeName(params['type'])}.`, {
        param,
      });
    case 'enum': {
      const allowed = (params['allowedValues'] as unknown[]).map((value) => `'${String(value)}'`).join(', ');
      return new CodedError('invalid_value', `Invalid value for ${path}. Supported: ${allowed}.`, { param });
    }
    case 'minimum':
    case 'exclusiveMinimum':
      return new CodedError(
        isInteger ? 'integer_below_minimum' : 'decimal_below_minimum',
        `${path} must be ${keyword === 'minimum' ? 'at least' : 'above'} ${limit}.`,
        { param },
      );
    case 'maximum':
      return new CodedError(
        isInteger ? 'integer_above_maximum' : 'decimal_above_maximum',
        `${path} must be at most ${limit}.`,
        { param },
      );
    case 'maxLength':
      return new CodedError('string_too_long', `${path} is longer than ${limit} characters.`, { param });
    case 'maxItems':
      return new CodedError('array_too_long', `${path} has more than ${limit} elements.`, { param });
    case 'maxProperties':
      return new CodedError('object_too_large', `${path} has more than ${limit} keys.`, { param });
    case 'additionalProperties': {
      const unknown = at(String(params['additionalProperty']).slice(0, 80));
      return new CodedError('invalid_value', `Unknown parameter: ${unknown}.`, { param: unknown });
    }
    default:
      return new CodedError('invalid_value', `Invalid value for ${path || 'the body'}: ${message ?? keyword}.`, {
        param,
      });
  }
}

function typeName(type: unknown): string {
  const name = String(type);
  return /^[aeio]/.test(name) ? `an ${name}` : `a ${name}`;
}
