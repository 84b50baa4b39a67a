import { isDeepStrictEqual } from 'node:util';
import { encodeAll } from '../../src/harmony/encode.ts';
import { createParser, type MessageHeader, type ParsedMessage, type ParserSink } from '../../src/harmony/parse.ts';
import type { Vocabulary } from '../../src/harmony/vocabulary.ts';
import { generateStream, type Stream } from './generate-stream.ts';
import type { LibraryMessage, LibraryParse, Oracle } from './oracle.ts';
import type { ExpectedMessage, QuirkName } from './quirks.ts';
import type { Random } from './random.ts';

/**
 * Parses `count` generations, in pushes of random sizes, and has the library parse them too. Returns what differs from
 * the meaning of the generation or, where that is not an intended difference, from the library; those are counted.
 */
export async function compareStreams(
  oracle: Oracle,
  vocabulary: Vocabulary,
  random: Random,
  { count, intended }: { readonly count: number; readonly intended: Map<QuirkName, number> },
): Promise<string[]> {
  const streams = random.times(count, () => generateStream(random));
  const ids = streams.map(({ pieces }) => encodeAll(vocabulary, pieces));
  const answers = oracle.parse(ids.map((stream) => ({ ids: stream, prompted: true, strict: true })));
  const parsed = ids.map((stream) => parseInPushes(vocabulary, stream, random));
  const theirs = await answers;
  return streams.flatMap((stream, index) => {
    const ours = parsed[index] ?? [];
    const library = theirs[index] ?? { messages: [], error: 'no answer' };
    const agreed =
      isDeepStrictEqual(ours.map(libraryView), library.messages.map(libraryView)) && library.error === null;
    if (!agreed && stream.quirk !== null) intended.set(stream.quirk, (intended.get(stream.quirk) ?? 0) + 1);
    if (isAsMeant(ours, stream) && (agreed || stream.quirk !== null)) return [];
    return [describe(stream, ours, library)];
  });
}

function parseInPushes(vocabulary: Vocabulary, ids: readonly number[], random: Random): ParsedMessage[] {
  const parser = createParser(vocabulary);
  const messages: ParsedMessage[] = [];
  let header: MessageHeader | null = null;
  let text = '';
  const sink: ParserSink = {
    onMessageStart(started) {
      header = started;
      text = '';
    },
    onText(added) {
      text += added;
    },
    onMessageEnd({ how }) {
      if (header !== null) messages.push({ ...header, text, how });
      header = null;
    },
  };
  const mostPerPush = random.pick([1, 2, 5, 50]);
  for (let at = 0; at < ids.length;) {
    const end = at + random.between(1, mostPerPush);
    parser.push(ids.slice(at, end), sink);
    at = end;
  }
  parser.finish(sink);
  return messages;
}

/** What both sides can say of a message; the library keeps the mark in the content type. */
const libraryView = ({ role, channel, recipient, contentType, text }: LibraryMessage): LibraryMessage => ({
  role,
  channel,
  recipient,
  contentType: contentType?.replace('<|constrain|>', '') ?? null,
  text,
});

const isAsMeant = (ours: readonly ParsedMessage[], { messages }: Stream): boolean =>
  ours.length === messages.length && messages.every((meant, index) => isSame(ours[index], meant));

const isSame = (ours: ParsedMessage | undefined, meant: ExpectedMessage): boolean =>
  ours !== undefined && isDeepStrictEqual(ours, { ...meant, text: meant.text ?? ours.text });

function describe(stream: Stream, ours: readonly ParsedMessage[], library: LibraryParse): string {
  const lines = [`parsing of ${JSON.stringify(stream.pieces)}`, `  quirk ${stream.quirk}`];
  lines.push(`  meant   ${JSON.stringify(stream.messages)}`, `  ours    ${JSON.stringify(ours)}`);
  return [...lines, `  library ${JSON.stringify(library)}`].join('\n');
}
