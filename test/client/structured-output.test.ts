import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { readFormat, readStructured } from '../../src/client/structured-output.ts';

const object = (properties: object, rest: object = {}): Record<string, unknown> => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...rest,
});
const name = { type: 'string' };

describe('a format', () => {
  it('is called after its title, as far as a name goes', () => {
    const {
      name: said,
      description,
      schema,
    } = readFormat(object({ name }, { title: 'Ein Wörtchen', description: 'x' }));
    expect([said, description, schema]).toEqual([
      'Ein_W_rtchen',
      'x',
      object({ name }, { title: 'Ein Wörtchen', description: 'x' }),
    ]);
    expect(readFormat(object({ name })).name).toBe('answer');
    expect(readFormat({ title: 'a'.repeat(99) }).name).toBe('a'.repeat(64));
  });

  it('is what goes over the wire, whatever a library hangs on it', () => {
    const schema = Type.Object({ name: Type.String() });
    expect(readFormat({ toJSONSchema: () => schema }).schema).toEqual({
      type: 'object',
      properties: { name: { type: 'string' } },
      required: ['name'],
    });
  });

  it.for<[isStrict: boolean, what: string, schema: Record<string, unknown>]>([
    [true, 'a closed object', object({ name })],
    [
      true,
      'closed objects in lists and alternatives',
      object({ a: { anyOf: [object({ name }), { items: object({}) }] } }),
    ],
    [false, 'an optional property', object({ name }, { required: [] })],
    [false, 'an open object', object({ name }, { additionalProperties: true })],
    [false, 'an open object deep inside', object({ list: { type: 'array', items: { type: 'object' } } })],
    [false, 'an open object in a definition', object({ name }, { $defs: { other: { properties: { name } } } })],
  ])('is strict (%s) with %s', ([isStrict, , schema]) => {
    expect(readFormat(schema).isStrict).toBe(isStrict);
  });

  it('has to be an object', () => {
    expect(() => readFormat({ toJSONSchema: () => [] })).toThrow(
      'responseFormat is no JSON schema: it is not an object.',
    );
  });
});

describe('an answer', () => {
  const format = readFormat(
    object({ name, tags: { type: 'array', items: { $ref: '#/$defs/tag' } } }, { $defs: { tag: name } }),
  );

  it('is the value', async () => {
    expect(await readStructured(format, ' {"name":"Anna","tags":["a"]}\n')).toEqual({ name: 'Anna', tags: ['a'] });
  });

  it.for([
    ['', 'it is empty.'],
    ['Anna', 'it is no JSON.'],
    ['{"name":1,"tags":[]}', '/name must be string.'],
    ['{"name":"Anna","tags":["a",2]}', '/tags/1 must be string.'],
    ['{"name":"Anna"}', 'the answer must have required properties tags.'],
    ['[]', 'the answer must be object.'],
  ])('that is %j is refused: %s', async ([text = '', why]) => {
    const message = `The answer is not of the format that was asked for: ${why}`;
    await expect(readStructured(format, text)).rejects.toMatchObject({
      code: 'invalid_structured_output',
      message,
      text,
    });
  });
});
