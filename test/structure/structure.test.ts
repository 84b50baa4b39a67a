import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { structureProblems, type SourceFile } from '../../scripts/structure.ts';

const file = (path: string, text: string): SourceFile => ({ path, text });
const lines = (count: number, line = '// x'): string => `${line}\n`.repeat(count);
const functionOf = (count: number): string => `export function f(): void {\n${lines(count - 2, '  f();')}}\n`;

describe('a planted violation is found', () => {
  it.for<[rule: string, files: SourceFile[], problems: string[]]>([
    [
      'an import cycle',
      [
        file('src/turn/a.ts', `import { b } from './b.ts';\nexport const a = () => b;\n`),
        file('src/turn/b.ts', `import { c } from '../pool/c.ts';\nexport const b = c;\n`),
        file('src/pool/c.ts', `import { a } from '../turn/a.ts';\nexport const c = a;\n`),
      ],
      ['import cycle: src/turn/a.ts -> src/turn/b.ts -> src/pool/c.ts -> src/turn/a.ts'],
    ],
    [
      'a cycle of types only',
      [
        file('src/pool/a.ts', `import type { B } from './b.ts';\nexport type A = B;\n`),
        file('src/pool/b.ts', `export type { A as B } from './a.ts';\n`),
      ],
      ['import cycle: src/pool/a.ts -> src/pool/b.ts -> src/pool/a.ts'],
    ],
    [
      'a platform module in a pure folder',
      [file('src/planner/a.ts', `import { readFileSync } from 'node:fs';\n`)],
      ['src/planner/a.ts: pure folder planner/ imports node:fs'],
    ],
    [
      'an impure folder in a pure folder, even for a type',
      [file('src/domain/a.ts', `import type { Engine } from '../engine/engine.ts';\n`)],
      ['src/domain/a.ts: pure folder domain/ imports ../engine/engine.ts'],
    ],
    [
      'a dynamic import in a pure folder',
      [file('src/harmony/a.ts', `export const a = await import('node:fs');\n`)],
      ['src/harmony/a.ts: pure folder harmony/ imports node:fs'],
    ],
    [
      'Fastify outside the gateway',
      [file('src/engine/a.ts', `import type { FastifyInstance } from 'fastify';\n`)],
      ['src/engine/a.ts: engine/ imports fastify; only gateway/ and sim/ may'],
    ],
    [
      'a plugin of Fastify outside the gateway',
      [file('src/turn/a.ts', `import { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';\n`)],
      ['src/turn/a.ts: turn/ imports @fastify/type-provider-typebox; only gateway/ and sim/ may'],
    ],
    [
      'a narrow folder that looks beyond',
      [file('src/sim/a.ts', `import { run } from '../turn/run-turn.ts';\n`)],
      ['src/sim/a.ts: sim/ imports ../turn/run-turn.ts; it may see only domain, protocol and harmony'],
    ],
    [
      'a narrow folder that takes more of system/ than clock and vocabulary',
      [file('src/client/a.ts', `import { createLogger } from '../system/logger.ts';\n`)],
      ['src/client/a.ts: client/ imports ../system/logger.ts; it may see only domain, protocol and harmony'],
    ],
    ['a long file', [file('src/pool/a.ts', lines(301))], ['src/pool/a.ts: 301 lines, the ceiling is 300']],
    ['a long function', [file('src/pool/a.ts', functionOf(61))], ['src/pool/a.ts:1: function of 61 lines']],
    [
      'a long method',
      [file('src/pool/a.ts', `export class A {\n  f(): void {\n${lines(59, '    this.f();')}  }\n}\n`)],
      ['src/pool/a.ts:2: function of 61 lines'],
    ],
    ...['lease.onClose = () => {}', 'lease.onClose ??= function () {}', 'lease.#onClose = async (a) => a'].map(
      (assignment): [string, SourceFile[], string[]] => [
        assignment,
        [file('src/turn/a.ts', `class A {\n  #onClose;\n  f(lease) {\n    ${assignment};\n  }\n}\n`)],
        [
          'src/turn/a.ts:4: a function written where a property gets it, which V8 makes in its old generation: name it first',
        ],
      ],
    ),
    ...['Date.now()', 'new Date()', 'setTimeout(f, 1)', 'setInterval(f, 1)', 'AbortSignal.timeout(1)'].map(
      (call): [string, SourceFile[], string[]] => [
        call,
        [file('src/pool/a.ts', `export const a = () => ${call};\n`)],
        [
          `src/pool/a.ts: ${call.slice(0, call.indexOf('(') + 1)}${call === 'new Date()' ? ')' : ''} belongs to src/system/clock.ts alone`,
        ],
      ],
    ),
    [
      'process.exit',
      [file('src/engine/a.ts', 'export const a = () => process.exit(1);\n')],
      ['src/engine/a.ts: process.exit( belongs to src/cli/main.ts alone'],
    ],
  ])('%s', ([, files, problems]) => {
    expect(structureProblems(files)).toEqual(problems);
  });
});

describe('what the rules allow is no problem', () => {
  it.for<[string, string, string]>([
    ['typebox in a pure folder', 'src/protocol/a.ts', `import { Type } from 'typebox';\n`],
    ['a pure folder in another', 'src/planner/a.ts', `import { GiB } from '../domain/units.ts';\n`],
    ['Fastify in the gateway', 'src/gateway/a.ts', `import Fastify from 'fastify';\n`],
    ['Fastify in the simulator', 'src/sim/a.ts', `import Fastify from 'fastify';\n`],
    ['the clock in the simulator', 'src/sim/a.ts', `import { systemClock } from '../system/clock.ts';\n`],
    ['the vocabulary in the client', 'src/client/a.ts', `import { readVocabulary } from '../system/vocabulary.ts';\n`],
    ['time in its owner', 'src/system/clock.ts', 'export const now = () => Date.now();\n'],
    ['exit in its owner', 'src/cli/main.ts', 'process.exit(0);\n'],
    [
      'a property that gets a function with a name',
      'src/turn/a.ts',
      'const onClose = () => {};\nlease.onClose = onClose;\n',
    ],
    [
      'a function in a field or a literal',
      'src/turn/a.ts',
      'class A {\n  f = () => {};\n}\nexport const a = { f: () => {} };\n',
    ],
    ['300 lines', 'src/pool/a.ts', lines(300)],
    ['a function of 60 lines', 'src/pool/a.ts', functionOf(60)],
  ])('%s', ([, path, text]) => {
    expect(structureProblems([file(path, text)])).toEqual([]);
  });
});

it('holds in the sources, all of which are read', () => {
  const files = globSync('src/**/*.ts', { cwd: new URL('../..', import.meta.url).pathname }).map((path) =>
    file(path, readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')),
  );
  expect(files.length, `${files.length} files were read`).toBeGreaterThan(30);
  expect(structureProblems(files)).toEqual([]);
});
