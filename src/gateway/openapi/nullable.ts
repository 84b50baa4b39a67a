import { Type, type TSchema, type TUnion, type TNull } from 'typebox';

export const nullable = <T extends TSchema>(schema: T): TUnion<[T, TNull]> => Type.Union([schema, Type.Null()]);

type Json = Readonly<Record<string, unknown>>;

/** Where settings of a body stand by name. */
const MAPS = ['properties', 'patternProperties'];

/**
 * The schema of a request body as clients may fill it: what may be left out may be null as well, at every depth, because
 * nulls are taken out before the schema looks.
 */
export function withNulls(schema: object): object {
  const { required = [] } = schema as { required?: readonly string[] };
  const entries = Object.entries(schema as Json).map(([key, value]) => {
    if (!MAPS.includes(key)) return [key, value];
    const settings = Object.entries(value as Readonly<Record<string, object>>).map(([name, setting]) => {
      const own = withNulls(setting);
      return [name, required.includes(name) ? own : { anyOf: [own, { type: 'null' }] }];
    });
    return [key, Object.fromEntries(settings)];
  });
  return Object.fromEntries(entries) as object;
}
