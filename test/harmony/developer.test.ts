import { describe, expect, test } from 'vitest';
import { developerText } from '../../src/harmony/developer.ts';
import { schemaType } from '../../src/harmony/schema-type.ts';

const parameters = {
  type: 'object',
  properties: {
    location: { type: 'string', description: 'City name' },
    unit: { type: 'string', enum: ['c', 'f'], default: 'c' },
    tags: { type: 'array', items: { type: 'string' } },
  },
  required: ['location'],
};

describe('the developer message', () => {
  test('has a section for each thing that it says, in their order', () => {
    const text = developerText({
      role: 'developer',
      instructions: 'Be brief.',
      tools: [
        { name: 'get_weather', description: 'Get the weather.\nAnywhere.', parameters },
        { name: 'ping', description: null, parameters: null },
      ],
      responseFormat: { name: 'city', description: 'A city.', schema: { type: 'object' } },
    });
    expect(text).toBe(
      [
        '# Instructions',
        '',
        'Be brief.',
        '',
        '# Tools',
        '',
        '## functions',
        '',
        'namespace functions {',
        '',
        '// Get the weather.',
        '// Anywhere.',
        'type get_weather = (_: {',
        '// City name',
        'location: string,',
        'unit?: "c" | "f", // default: c',
        'tags?: string[],',
        '}) => any;',
        '',
        'type ping = () => any;',
        '',
        '} // namespace functions',
        '',
        '# Response Formats',
        '',
        '## city',
        '',
        '// A city.',
        '{"type":"object"}',
      ].join('\n'),
    );
  });

  test('is empty where it says nothing', () => {
    expect(developerText({ role: 'developer', instructions: null, tools: [] })).toBe('');
  });

  test('a format without description is its schema alone', () => {
    const responseFormat = { name: 'x', description: null, schema: { type: 'string' } };
    expect(developerText({ role: 'developer', instructions: null, responseFormat })).toBe(
      '# Response Formats\n\n## x\n\n{"type":"string"}',
    );
  });

  test('shows references of a tool inlined, and a recursive one as any', () => {
    const schema = {
      type: 'object',
      properties: { root: { $ref: '#/$defs/Node' } },
      $defs: { Node: { type: 'object', properties: { name: { type: 'string' }, next: { $ref: '#/$defs/Node' } } } },
    };
    const tools = [{ name: 'f', description: null, parameters: schema }];
    expect(developerText({ role: 'developer', instructions: null, tools })).toContain(
      'type f = (_: {\nroot?: {\n    name?: string,\n    next?: any,\n    },\n}) => any;',
    );
  });
});

test('anything that is no schema is any', () => {
  expect([true, false, null, 'string', 5, []].map((schema) => schemaType(schema))).toEqual(Array(6).fill('any'));
});
