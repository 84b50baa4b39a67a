export interface GrammarProblem {
  readonly path: string;
  readonly reason: string;
  readonly remedy?: string;
}

export function grammarProblem(_schema: unknown): GrammarProblem | null {
  return null;
}
