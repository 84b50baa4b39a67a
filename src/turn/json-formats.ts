import { fullFormats } from 'ajv-formats/dist/formats.js';
import { RE2JS } from 're2js';

/** Longer texts are taken as they are: the expressions for formats are safe, but not all of them linear. */
const MAX_FORMATTED_LENGTH = 4_096;

/** Whether `text` has a format of JSON Schema; true for a format that nobody knows. */
export function hasFormat(text: string, name: string): boolean {
  const format: unknown = Object.hasOwn(fullFormats, name) ? fullFormats[name as keyof typeof fullFormats] : true;
  if (text.length > MAX_FORMATTED_LENGTH || typeof format === 'boolean') return true;
  const test = typeof format === 'object' && format !== null && 'validate' in format ? format.validate : format;
  return test instanceof RegExp ? test.test(text) : (test as (text: string) => boolean)(text);
}

/**
 * Regular expressions of clients, which may be made to hang: matched in time linear in the text, whatever the pattern.
 * What such matching cannot do, look-around and back-references, counts as a match.
 */
export class LinearPatterns {
  readonly #compiled = new Map<string, RE2JS | null>();

  matches(pattern: string, text: string): boolean {
    let compiled = this.#compiled.get(pattern);
    if (compiled === undefined) {
      compiled = compile(pattern);
      this.#compiled.set(pattern, compiled);
    }
    return compiled?.test(text) ?? true;
  }
}

function compile(pattern: string): RE2JS | null {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(pattern));
  } catch {
    return null;
  }
}
