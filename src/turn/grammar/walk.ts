import { CompileCost } from './cost.ts';
import { SchemaTypes } from './types.ts';

/** A schema and where it stands. */
export interface Place {
  readonly schema: unknown;
  readonly path: string;
}

/** The way through a schema: every schema that values can meet, once, the nearest to the root first. */
export class SchemaWalk {
  readonly root: unknown;
  readonly types: SchemaTypes;
  readonly cost = new CompileCost();
  readonly #targets = new Map<unknown, Place>();
  readonly #ahead: Place[];
  readonly #seen = new Set<unknown>();

  constructor(root: unknown) {
    this.root = root;
    this.types = new SchemaTypes(root);
    this.#ahead = [{ schema: root, path: '' }];
  }

  /** Puts a schema on the way. */
  enter(schema: unknown, path: string): void {
    if (typeof schema === 'object' && schema !== null) {
      if (this.#seen.has(schema)) return;
      this.#seen.add(schema);
    }
    this.#ahead.push({ schema, path });
  }

  /** The same for what a `$ref` names. */
  enterTarget(schema: unknown, path: string): void {
    if (!this.#targets.has(schema)) this.#targets.set(schema, { schema, path });
    this.enter(schema, path);
  }

  /** What the `$ref`s name that were met so far. */
  get targets(): readonly Place[] {
    return [...this.#targets.values()];
  }

  /** The places in order, those that are entered meanwhile included. */
  *places(): Generator<Place> {
    yield* this.#ahead;
  }
}
