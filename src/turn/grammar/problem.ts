/** Why a schema cannot be enforced: the place, what would go wrong there, what to write instead where that is known. */
export interface GrammarProblem {
  /** Relative to the schema: `properties.name.pattern`, `anyOf[0].items`; empty for the schema itself. */
  readonly path: string;
  /** Reads on after a colon and ends with a full stop. */
  readonly reason: string;
  /** A sentence. */
  readonly remedy?: string;
}

export const problem = (path: string, reason: string, remedy?: string): GrammarProblem =>
  remedy === undefined ? { path, reason: `${reason}.` } : { path, reason: `${reason}.`, remedy };

/** The first problem that a check finds in a list. */
export function firstProblem<T>(
  items: readonly T[],
  check: (item: T, index: number) => GrammarProblem | null,
): GrammarProblem | null {
  for (const [index, item] of items.entries()) {
    const found = check(item, index);
    if (found) return found;
  }
  return null;
}
