/** About the characters of a prompt that no context holds. */
const MAX_COST = 2_000_000;

/** What things cost that take time even where they are hardly any text. */
const COST_PER_SCHEMA = 96;
const COST_PER_ENTRY = 32;
const COST_PER_COPY = 16;

/** Whatever is shown may get a line of its own, indented by so much for each level. */
const COST_PER_LEVEL = 4;

/**
 * What showing the schemas of one request may cost together, in about characters: references can make short schemas
 * endless or enormous. What uses it up is still shown, what comes after that is not.
 */
export class SchemaBudget {
  #left = MAX_COST;

  get isSpent(): boolean {
    return this.#left <= 0;
  }

  /** Pays for one more schema, `depth` levels down. */
  spendSchema(depth: number): void {
    this.#left -= COST_PER_SCHEMA + depth * COST_PER_LEVEL;
  }

  /** Pays for a text, or for a value that is written as JSON. */
  spendValue(value: unknown, depth: number): void {
    const length = typeof value === 'string' ? value.length : 2 * (JSON.stringify(value)?.length ?? 0);
    this.#left -= length + depth * COST_PER_LEVEL;
  }

  /** Pays for a list of values and returns as much of it as there is budget for. */
  spendList(values: readonly unknown[], depth: number): readonly unknown[] {
    for (const [index, value] of values.entries()) {
      if (this.isSpent) return values.slice(0, index);
      this.#left -= COST_PER_ENTRY + depth * COST_PER_LEVEL + (typeof value === 'string' ? value.length : 0);
    }
    return values;
  }

  /** Pays for names, fields or variants that are put into a list. */
  spendCopies(count: number): void {
    this.#left -= count * COST_PER_COPY;
  }
}
