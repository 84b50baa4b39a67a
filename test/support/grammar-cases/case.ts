/** What the engine's grammar makes of one schema, and what `grammarProblem` must therefore say. */
export interface GrammarCase {
  readonly name: string;
  readonly schema: unknown;
  /**
   * `held`: lets every valid value through and no invalid one. `ignored`: lets the first invalid one through.
   * `narrow`: lets the first valid one not through. `refused`: the engine answers 400 or 500. `slow`: takes
   * several seconds to compile. `endless`: held, but no value is finite.
   */
  readonly grammar: 'held' | 'ignored' | 'narrow' | 'refused' | 'slow' | 'endless';
  /** Where the problem is; null for none. */
  readonly path: string | null;
  readonly valid?: readonly unknown[];
  readonly invalid?: readonly unknown[];
  /** Texts that are no JSON, or that a validator would read as valid. */
  readonly invalidTexts?: readonly string[];
}

export type Schema = Readonly<Record<string, unknown>>;
type Values = Pick<GrammarCase, 'valid' | 'invalid' | 'invalidTexts'>;

export const text: Schema = { type: 'string' };
export const whole: Schema = { type: 'integer' };
export const number: Schema = { type: 'number' };
export const nothing: Schema = { type: 'null' };
export const closed = (properties: Schema, more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});
export const open = (more: Schema): Schema => ({ type: 'object', ...more });
export const list = (more: Schema = {}): Schema => ({ type: 'array', items: whole, ...more });
export const pattern = (source: string): Schema => ({ type: 'string', pattern: source });
export const many = (count: number, make: (index: number) => readonly [string, unknown]): Schema =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => make(index)));

export const held = (name: string, schema: unknown, values: Values = {}): GrammarCase => ({
  name,
  schema,
  grammar: 'held',
  path: null,
  ...values,
});
const not =
  (grammar: GrammarCase['grammar']) =>
  (name: string, path: string, schema: unknown, values: Values = {}): GrammarCase => ({
    name,
    schema,
    grammar,
    path,
    ...values,
  });
export const [ignored, narrow, refused] = [not('ignored'), not('narrow'), not('refused')];
export const [slow, endless] = [not('slow'), not('endless')];
