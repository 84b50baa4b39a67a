import { COMPILE_MS } from './cost.ts';
import { judgePattern } from './pattern.ts';
import { firstProblem, problem, type GrammarProblem } from './problem.ts';
import { keyPath, says, type SchemaNode } from './json-schema.ts';
import type { SchemaWalk } from './walk.ts';

/** The formats that the grammar holds; it takes any other for no format at all, and writes bare quotes into pointers. */
const HELD_FORMATS = 'date-time date time duration email hostname ipv4 ipv6 uuid uri uri-reference uri-template'.split(
  ' ',
);

/** Judges what a schema says about strings. */
export function stringProblem(walk: SchemaWalk, node: SchemaNode, path: string): GrammarProblem | null {
  const { pattern, format } = node as { pattern?: string; format?: string };
  const length = lengthProblem(node, path);
  if (length) return length;
  if (format !== undefined && !HELD_FORMATS.includes(format)) {
    return problem(
      keyPath(path, 'format'),
      `the grammar does not know the format ${format.slice(0, 40)}`,
      `It knows ${HELD_FORMATS.join(', ')}.`,
    );
  }
  if (pattern === undefined) return null;
  if (format !== undefined) {
    return problem(keyPath(path, 'pattern'), 'the grammar ignores pattern beside format', 'Leave one of them out.');
  }
  return patternProblem(walk, pattern, keyPath(path, 'pattern'));
}

/** Judges a regular expression at `path`. */
export function patternProblem(walk: SchemaWalk, pattern: string, path: string): GrammarProblem | null {
  const verdict = judgePattern(pattern);
  if (verdict.kind === 'refused') return problem(path, verdict.reason, verdict.remedy);
  walk.cost.addPattern(path, pattern, verdict.compileMs);
  return null;
}

/** Up to here a counted pattern compiles in about half a second. */
const MAX_COUNTED_LENGTH = 16;

/** Control tokens are kept out of strings in a way that leaves no room for counting characters. */
function lengthProblem(node: SchemaNode, path: string): GrammarProblem | null {
  const { minLength = 0, maxLength } = node as { minLength?: number; maxLength?: number };
  const keyword = maxLength !== undefined ? 'maxLength' : minLength > 0 ? 'minLength' : null;
  if (keyword === null) return null;
  const remedy =
    says(node, 'pattern') || says(node, 'format')
      ? 'Leave it out, or count in the pattern.'
      : (maxLength ?? minLength) <= MAX_COUNTED_LENGTH
        ? `Use "pattern": "^[^<]{${minLength},${maxLength ?? ''}}$".`
        : 'Leave it out and state the length in the description.';
  return problem(keyPath(path, keyword), 'the grammar does not count the characters of a string', remedy);
}

const BOUNDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const;
/** Bounds of integers are 64 bits wide in the grammar. */
const isInteger64 = (value: number): boolean => Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;

/** Judges what a schema says about numbers, or about whole numbers. */
export function numberProblem(
  walk: SchemaWalk,
  node: SchemaNode,
  path: string,
  isWhole: boolean,
): GrammarProblem | null {
  const bounds = BOUNDS.filter((keyword) => says(node, keyword));
  if (bounds.length > 0) walk.cost.add(path, COMPILE_MS.range);
  return (
    (isWhole ? firstProblem(bounds, (keyword) => integerBoundProblem(node, keyword, path)) : null) ??
    emptyRangeProblem(node, path, isWhole) ??
    multipleProblem(walk, node, path, isWhole)
  );
}

function integerBoundProblem(node: SchemaNode, keyword: (typeof BOUNDS)[number], path: string): GrammarProblem | null {
  if (isInteger64(Number(node[keyword]))) return null;
  return problem(keyPath(path, keyword), `${keyword} of an integer must be a whole number of at most 64 bits`);
}

function emptyRangeProblem(node: SchemaNode, path: string, isWhole: boolean): GrammarProblem | null {
  const { minimum = -Infinity, maximum = Infinity } = node as Record<string, number>;
  const { exclusiveMinimum: above = -Infinity, exclusiveMaximum: below = Infinity } = node as Record<string, number>;
  const least = isWhole ? Math.max(minimum, above + 1) : Math.max(minimum, above);
  const most = isWhole ? Math.min(maximum, below - 1) : Math.min(maximum, below);
  const isOpen = !isWhole && (above === least || below === most);
  if (least < most || (least === most && !isOpen)) return null;
  return problem(path, 'no number is within these bounds');
}

/** Larger ones are ignored by the grammar. */
const MAX_MULTIPLE_OF = 1024;

function multipleProblem(walk: SchemaWalk, node: SchemaNode, path: string, isWhole: boolean): GrammarProblem | null {
  if (!says(node, 'multipleOf')) return null;
  const step = Number(node['multipleOf']);
  const isHeld = isWhole && Number.isInteger(step) && step <= MAX_MULTIPLE_OF;
  if (isHeld && !BOUNDS.some((keyword) => says(node, keyword))) {
    walk.cost.add(keyPath(path, 'multipleOf'), COMPILE_MS.multipleOfSquare * step ** 2);
    return null;
  }
  const reason = isHeld
    ? 'the grammar ignores multipleOf beside bounds'
    : 'the grammar holds multipleOf for integers only, up to 1024';
  return problem(keyPath(path, 'multipleOf'), reason, 'Leave it out.');
}
