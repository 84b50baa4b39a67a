import { CodedError } from '../domain/errors.ts';
import { isObject, type JsonObject } from '../domain/json.ts';

export type Json = JsonObject;

/** `value` as a JSON object; anything else is an error that names `path`. */
export function jsonObject(value: unknown, path: string): Json {
  if (isObject(value)) return value;
  throw wrongType(path, 'an object', value);
}

/** The error for a value of another type than `expected`; absent and null count as missing. */
export function wrongType(path: string, expected: string, value: unknown): CodedError {
  if (value === undefined || value === null) {
    return new CodedError('missing_parameter', `Missing required parameter: ${path}.`, { param: path });
  }
  const got = Array.isArray(value) ? 'a list' : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
  return new CodedError('invalid_type', `Invalid type for ${path}: expected ${expected}, got ${got}.`, { param: path });
}

/** `value` as one of the `allowed` words; anything else is an error that names `path`. */
export function oneOf<Word extends string>(value: unknown, allowed: readonly Word[], path: string): Word {
  const word = allowed.find((candidate) => candidate === value);
  if (word !== undefined) return word;
  if (value === undefined || value === null) throw wrongType(path, 'a string', value);
  const list = allowed.map((name) => `'${name}'`).join(', ');
  throw new CodedError('invalid_value', `Invalid value: ${show(value)}. Supported: ${list}.`, { param: path });
}

/** A value in an error message, cut to a readable length. */
export const show = (value: unknown): string =>
  typeof value === 'string' ? `'${value.slice(0, 80)}'` : (JSON.stringify(value) ?? 'undefined').slice(0, 80);
