import { problem, type GrammarProblem } from './problem.ts';
import { indexPath, keyPath } from './json-schema.ts';

/** vLLM refuses deeper ones (`sampling_params.py`, MAX_STRUCTURED_OUTPUT_JSON_NESTING), annotations included. */
const MAX_NESTING = 64;
/** Keeps judging cheap, also for what was never JSON and runs in circles. */
const MAX_VALUES = 20_000;

interface Place {
  readonly value: unknown;
  readonly path: string;
  readonly depth: number;
}

/** What is wrong with a schema as a piece of JSON: too large, too deep, or text that is no Unicode. Looks at every value. */
export function sizeProblem(schema: unknown): GrammarProblem | null {
  const open: Place[] = [{ value: schema, path: '', depth: 1 }];
  for (let seen = 1; ; seen++) {
    const place = open.pop();
    if (!place) return null;
    const inside = children(place);
    if (inside === null || seen + open.length + inside.length > MAX_VALUES) {
      return problem('', `it has more than ${MAX_VALUES.toLocaleString('en-US')} values`, 'Make it smaller.');
    }
    if (inside.length > 0 && place.depth > MAX_NESTING) {
      const remedy = 'Flatten it, with $defs and $ref where it helps.';
      return problem(place.path, `objects and lists nest more than ${MAX_NESTING} deep`, remedy);
    }
    if (!isUnicode(place.value)) {
      return problem(place.path, 'the text has half a surrogate pair, which is no Unicode character');
    }
    for (const [key, value] of inside) {
      const path = typeof key === 'number' ? indexPath(place.path, key) : keyPath(place.path, key);
      open.push({ value, path, depth: place.depth + 1 });
    }
  }
}

/** Null: a list too long to look at. */
function children({ value }: Place): readonly (readonly [key: string | number, value: unknown])[] | null {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value) && value.length > MAX_VALUES) return null;
  return Array.isArray(value) ? value.map((item: unknown, index) => [index, item] as const) : Object.entries(value);
}

/** The engine cannot read a request with half a surrogate pair in it (xgrammar's JSON parser), wherever it stands. */
function isUnicode(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return true;
  return Object.keys(value).every((key) => key.isWellFormed());
}
