/** Records what the official library answers to `harmony/cases.ts`, so that the tests need no Python. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { encodeAll } from '../src/harmony/encode.ts';
import type { Piece } from '../src/harmony/render.ts';
import { createVocabulary } from '../src/harmony/vocabulary.ts';
import { readVocabulary } from '../src/system/vocabulary.ts';
import { AGREED_STREAMS, RENDER_CASES, TEXTS } from './harmony/cases.ts';
import { toLibraryForm } from './harmony/library-form.ts';
import { openOracle, type Oracle } from './harmony/oracle.ts';
import { QUIRKS } from './harmony/quirks.ts';

const folder = new URL('../test/fixtures/harmony/', import.meta.url);
const vocabulary = createVocabulary(readVocabulary());

/** One vector a line, so that a change of one shows as one line. */
function write(name: string, vectors: readonly unknown[]): void {
  writeFileSync(new URL(name, folder), `[\n${vectors.map((vector) => JSON.stringify(vector)).join(',\n')}\n]\n`);
  console.log(`${name}: ${vectors.length} vectors`);
}

async function recordTexts(oracle: Oracle): Promise<void> {
  const ids = await oracle.encode(TEXTS);
  write(
    'texts.json',
    TEXTS.map((text, index) => ({ text, ids: ids[index] })),
  );
}

async function recordRenderings(oracle: Oracle): Promise<void> {
  const cases = Object.entries(RENDER_CASES);
  const ids = await oracle.render(cases.map(([, messages]) => toLibraryForm(messages)));
  write(
    'renderings.json',
    cases.map(([name, messages], index) => ({ name, messages, ids: ids[index] })),
  );
}

async function recordStreams(oracle: Oracle): Promise<void> {
  const quirks = Object.entries(QUIRKS).map(([name, quirk]) => ({ name, ...quirk }));
  const agreed = Object.entries(AGREED_STREAMS).map(([name, pieces]) => ({ name, pieces, messages: null }));
  const streams = [...agreed, ...quirks];
  const ids = streams.map(({ pieces }: { readonly pieces: readonly Piece[] }) => encodeAll(vocabulary, pieces));
  const library = await oracle.parse(ids.map((stream) => ({ ids: stream, prompted: true, strict: true })));
  write(
    'streams.json',
    streams.map(({ name, messages }, index) => ({
      name,
      ids: ids[index],
      library: library[index],
      intended: messages,
    })),
  );
}

mkdirSync(folder, { recursive: true });
const oracle = openOracle();
await recordTexts(oracle);
await recordRenderings(oracle);
await recordStreams(oracle);
oracle.close();
