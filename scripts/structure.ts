/** The layout's rules (src/ARCHITECTURE.md, "Rules"), checked over every source file. Says how many files it read. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseSync } from 'oxc-parser';

const PURE = ['domain', 'protocol', 'harmony', 'planner'];
/** Packages without effects, allowed in the pure folders. */
const PURE_PACKAGES = ['typebox'];
const FASTIFY_FOLDERS = ['gateway', 'sim'];
const NARROW = ['client', 'sim'];
const NARROW_EXTRA = ['src/system/clock.ts', 'src/system/vocabulary.ts'];
const MAX_FILE_LINES = 300;
const MAX_FUNCTION_LINES = 60;
/** They serve no request of Chorus's own. */
const BORN_OLD_FOLDERS = ['sim'];
const BORN_OLD = 'a function written where a property gets it, which V8 makes in its old generation: name it first';
/** Words that only one file may say: time and exit are effects with one owner. */
const OWNED: readonly (readonly [pattern: RegExp, owner: string])[] = [
  [/\bDate\.now\(|\bnew Date\(\)|\bsetTimeout\(|\bsetInterval\(|\bAbortSignal\.timeout\(/, 'src/system/clock.ts'],
  [/\bprocess\.exit\(/, 'src/cli/main.ts'],
];

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

interface Import {
  readonly specifier: string;
  /** The imported file's path from the root, or null for a package. */
  readonly target: string | null;
}

const folderOf = (path: string): string => path.split('/')[1] ?? '';
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier[0] === '@' ? 2 : 1)
    .join('/');

function importsOf(file: SourceFile): Import[] {
  const { module } = parseSync(file.path, file.text);
  const specifiers = [
    ...module.staticImports.map((entry) => entry.moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) => entries.flatMap((entry) => entry.moduleRequest?.value ?? [])),
    ...module.dynamicImports.map(({ moduleRequest: { start, end } }) => file.text.slice(start + 1, end - 1)),
  ];
  return specifiers.map((specifier) => ({
    specifier,
    target: specifier.startsWith('.') ? normalize(join(dirname(file.path), specifier)) : null,
  }));
}

function importProblem(path: string, { specifier, target }: Import): string | null {
  const from = folderOf(path);
  const to = target === null ? null : folderOf(target);
  if (PURE.includes(from)) {
    const pure = to === null ? PURE_PACKAGES.includes(packageOf(specifier)) : PURE.includes(to);
    if (!pure) return `pure folder ${from}/ imports ${specifier}`;
  }
  if (to === null && /^@?fastify\b/.test(specifier) && !FASTIFY_FOLDERS.includes(from)) {
    return `${from}/ imports ${specifier}; only gateway/ and sim/ may`;
  }
  if (NARROW.includes(from) && to !== null && target !== null) {
    const allowed = to === from || ['domain', 'protocol', 'harmony'].includes(to) || NARROW_EXTRA.includes(target);
    if (!allowed) return `${from}/ imports ${specifier}; it may see only domain, protocol and harmony`;
  }
  return null;
}

/** Cycles over all imports, type-only ones included, each as the path that closes it. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      cycles.push(`import cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' -> ')}`);
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
}

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

function* nodesOf(tree: unknown): Iterable<SyntaxNode> {
  if (typeof tree !== 'object' || tree === null) return;
  if ('type' in tree && typeof tree.type === 'string') yield tree as SyntaxNode;
  for (const part of Object.values(tree)) yield* nodesOf(part);
}

const isFunction = ({ type }: SyntaxNode): boolean => /Function/.test(type);

function sizeProblems({ path, text }: SourceFile): string[] {
  const lines = text.split('\n').length - 1;
  return lines > MAX_FILE_LINES ? [`${path}: ${lines} lines, the ceiling is ${MAX_FILE_LINES}`] : [];
}

function syntaxProblems({ path, text }: SourceFile): string[] {
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
  const problemOf = (node: SyntaxNode): string | null => {
    if (isBornOld(node)) return BORN_OLD_FOLDERS.includes(folderOf(path)) ? null : BORN_OLD;
    if (!isFunction(node) || !('body' in node && node.body)) return null;
    const length = lineAt(node.end) - lineAt(node.start) + 1;
    return length > MAX_FUNCTION_LINES ? `function of ${length} lines` : null;
  };
  return [...nodesOf(parseSync(path, text).program.body)].flatMap((node) => {
    const problem = problemOf(node);
    return problem === null ? [] : [`${path}:${lineAt(node.start)}: ${problem}`];
  });
}

/** `object.property = () => …`: V8's parser has such a function made in the old generation (parser.h, `set_pretenure`). */
function isBornOld(node: SyntaxNode): boolean {
  if (node.type !== 'AssignmentExpression') return false;
  const { left, right } = node as unknown as { left: SyntaxNode; right: SyntaxNode };
  return left.type === 'MemberExpression' && isFunction(right);
}

function ownedProblems({ path, text }: SourceFile): string[] {
  return OWNED.filter(([pattern, owner]) => path !== owner && pattern.test(text)).map(
    ([pattern, owner]) => `${path}: ${pattern.exec(text)?.[0] ?? ''} belongs to ${owner} alone`,
  );
}

/** Every violation of the rules in `files` (paths from the root, such as `src/turn/run.ts`); empty when all hold. */
export function structureProblems(files: readonly SourceFile[]): string[] {
  const imports = new Map(files.map((file) => [file.path, importsOf(file)]));
  const graph = new Map([...imports].map(([path, list]) => [path, list.flatMap(({ target }) => target ?? [])]));
  return [
    ...[...imports].flatMap(([path, list]) =>
      list.flatMap((entry) => importProblem(path, entry) ?? []).map((problem) => `${path}: ${problem}`),
    ),
    ...findCycles(graph),
    ...files.flatMap(sizeProblems),
    ...files.flatMap(syntaxProblems),
    ...files.flatMap(ownedProblems),
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const files = globSync('src/**/*.ts').map((path) => ({ path, text: readFileSync(path, 'utf8') }));
  const problems = files.length === 0 ? ['no source files found'] : structureProblems(files);
  for (const problem of problems) console.error(`  ${problem}`);
  console.log(`structure: ${files.length} files read, ${problems.length} problems`);
  if (problems.length > 0) process.exitCode = 1;
}
