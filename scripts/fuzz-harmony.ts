/**
 * `npm run fuzz:harmony -- --conversations 10000 --seed 1`: the same conversations and generations through Chorus and
 * through the official library; prints every difference that is not intended and fails when there is one.
 */
import { parseArgs } from 'node:util';
import { encodeAll } from '../src/harmony/encode.ts';
import { renderConversation } from '../src/harmony/render.ts';
import { createVocabulary } from '../src/harmony/vocabulary.ts';
import { readVocabulary } from '../src/system/vocabulary.ts';
import { compareStreams } from './harmony/compare-streams.ts';
import { generateConversation } from './harmony/generate-conversation.ts';
import { toLibraryForm } from './harmony/library-form.ts';
import { openOracle, type Oracle } from './harmony/oracle.ts';
import { longestPause } from './harmony/pauses.ts';
import { QUIRKS, type QuirkName } from './harmony/quirks.ts';
import { Random } from './harmony/random.ts';

const BATCH = 250;
const SHOWN_DIFFERENCES = 10;
const MAX_PAUSE_MS = 50;

const vocabulary = createVocabulary(readVocabulary());
const differences: string[] = [];
const intended = new Map<QuirkName, number>();

async function compareRenderings(oracle: Oracle, random: Random, count: number): Promise<number> {
  const conversations = random.times(count, () => generateConversation(random));
  const answers = oracle.render(conversations.map(toLibraryForm));
  const ours = conversations.map((messages) => encodeAll(vocabulary, renderConversation(messages)));
  const theirs = await answers;
  let tokens = 0;
  for (const [index, ids] of ours.entries()) {
    tokens += ids.length;
    if (JSON.stringify(ids) === JSON.stringify(theirs[index])) continue;
    differences.push(`rendering of ${JSON.stringify(conversations[index])}`);
  }
  return tokens;
}

function count(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0) throw new Error(`Not a whole number: ${value}`);
  return number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { conversations: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
  });
  const total = count(values.conversations);
  const random = new Random(count(values.seed));
  const oracle = openOracle();
  let tokens = 0;
  for (let done = 0; done < total; done += BATCH) {
    const batch = Math.min(BATCH, total - done);
    tokens += await compareRenderings(oracle, random, batch);
    differences.push(...(await compareStreams(oracle, vocabulary, random, { count: batch, intended })));
    if (done % (BATCH * 8) === 0)
      console.log(`${done + batch} of ${total} compared, ${differences.length} differences`);
  }
  oracle.close();
  for (const difference of differences.slice(0, SHOWN_DIFFERENCES)) console.error(difference);
  console.log('Intended differences (how often the library read something else):');
  for (const name of Object.keys(QUIRKS) as QuirkName[]) console.log(`  ${intended.get(name) ?? 0}  ${name}`);
  const { loopMs, ownMs } = await longestPause(vocabulary, MAX_PAUSE_MS);
  console.log(`${total} conversations (${tokens} tokens) and ${total} generations: ${differences.length} differences`);
  const note = loopMs >= MAX_PAUSE_MS && ownMs < MAX_PAUSE_MS ? ', most of it not ours: the machine is busy' : '';
  console.log(`longest event-loop pause ${loopMs.toFixed(1)} ms${note}`);
  console.log(`longest work without a pause ${ownMs.toFixed(1)} ms (must be under ${MAX_PAUSE_MS} ms)`);
  if (differences.length > 0 || ownMs >= MAX_PAUSE_MS) process.exitCode = 1;
}

try {
  await main();
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 1;
}
