import { COMPILE_MS } from './cost.ts';
import { siblingProblem, type Form } from './keywords.ts';
import { firstProblem, problem, type GrammarProblem } from './problem.ts';
import {
  declaredTypes,
  indexPath,
  isWithin,
  keyPath,
  listOf,
  refKeys,
  resolveRef,
  typeOfValue,
  type SchemaNode,
} from './json-schema.ts';
import { areDisjoint } from './branches.ts';
import type { SchemaWalk } from './walk.ts';

const MAX_ONE_OF = 100;

/** Judges a schema that is a reference, a list of values or a list of branches, and enters what is in it. */
export function formProblem(walk: SchemaWalk, node: SchemaNode, form: Form, path: string): GrammarProblem | null {
  return siblingProblem(node, form, path) ?? contentProblem(walk, node, form, path);
}

function contentProblem(walk: SchemaWalk, node: SchemaNode, form: Form, path: string): GrammarProblem | null {
  switch (form) {
    case '$ref':
      return refProblem(walk, String(node['$ref']), keyPath(path, form)) ?? typeProblem(walk, node, form, path);
    case 'const':
    case 'enum':
      return valuesProblem(walk, node, form, keyPath(path, form));
    case 'anyOf':
    case 'oneOf':
    case 'allOf':
      return branchesProblem(walk, node, form, path) ?? typeProblem(walk, node, form, path);
  }
}

function refProblem(walk: SchemaWalk, ref: string, path: string): GrammarProblem | null {
  const keys = refKeys(ref);
  if (keys === null) {
    return problem(path, 'the grammar follows references only within this schema', 'Use #/$defs/….');
  }
  if (/[~%]/.test(ref)) {
    return problem(path, 'the grammar reads a reference as it is written, without ~1 and %20', 'Rename what it names.');
  }
  if (keys.includes('patternProperties')) {
    return problem(path, 'a reference into patternProperties leads nowhere in the grammar', 'Name a schema in $defs.');
  }
  const target = resolveRef(walk.root, ref);
  if (target === undefined) return problem(path, `the schema has nothing at ${ref}`);
  walk.enterTarget(target, keys.join('.'));
  walk.cost.add(path, COMPILE_MS.reference);
  return null;
}

/** `type` beside a form holds only if nothing else comes through the form. */
function typeProblem(walk: SchemaWalk, node: SchemaNode, form: Form, path: string): GrammarProblem | null {
  const types = declaredTypes(node);
  if (types === null) return null;
  const { type: _, ...rest } = node;
  const isHeld = [...walk.types.of(rest)].every((inner) => types.some((outer) => isWithin(inner, outer)));
  if (isHeld) return null;
  const where = form === '$ref' ? 'the schema that $ref names' : form === 'allOf' ? 'the branch' : 'each branch';
  return problem(keyPath(path, 'type'), `the grammar ignores type beside ${form}`, `State it in ${where}.`);
}

function valuesProblem(
  { cost }: SchemaWalk,
  node: SchemaNode,
  form: 'const' | 'enum',
  path: string,
): GrammarProblem | null {
  const values = form === 'const' ? [node[form]] : listOf(node[form]);
  const types = declaredTypes(node);
  const texts = values.map((value) => JSON.stringify(value));
  const pathOf = (index: number): string => (form === 'const' ? path : indexPath(path, index));
  cost.add(path, COMPILE_MS.enumValue * texts.length + COMPILE_MS.enumCharacter * texts.join('').length);
  return firstProblem(values, (value, index) => {
    if (types !== null && !types.some((outer) => isWithin(typeOfValue(value), outer))) {
      const reason = `the grammar would allow this value although it is no ${types.join(' or ')}`;
      return problem(pathOf(index), reason, 'Leave it out.');
    }
    const isSayable = !texts[index]?.includes('<|');
    return isSayable ? null : problem(pathOf(index), 'the model cannot write the text <|', 'Leave it out.');
  });
}

function branchesProblem(
  walk: SchemaWalk,
  node: SchemaNode,
  form: 'anyOf' | 'oneOf' | 'allOf',
  path: string,
): GrammarProblem | null {
  const branches = listOf(node[form]);
  const formPath = keyPath(path, form);
  if (form === 'allOf' && branches.length > 1) {
    return problem(
      formPath,
      'the grammar ignores allOf with more than one branch',
      'Merge the branches into one schema.',
    );
  }
  if (form === 'oneOf' && !areAllDisjoint(walk, branches)) {
    const reason = 'the grammar takes oneOf for anyOf, and a value may match two of these branches';
    return problem(formPath, reason, 'Use anyOf, or give each branch a required property with a const of its own.');
  }
  for (const [index, branch] of branches.entries()) walk.enter(branch, indexPath(formPath, index));
  walk.cost.add(formPath, COMPILE_MS.branch * branches.length);
  return null;
}

function areAllDisjoint({ root, types }: SchemaWalk, branches: readonly unknown[]): boolean {
  if (branches.length > MAX_ONE_OF) return false;
  return branches.every((left, index) =>
    branches.slice(index + 1).every((right) => areDisjoint(root, types, [left, right])),
  );
}
