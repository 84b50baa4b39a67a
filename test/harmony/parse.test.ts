import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { generateConversation } from '../../scripts/harmony/generate-conversation.ts';
import { Random } from '../../scripts/harmony/random.ts';
import { spelled } from '../../scripts/harmony/spelled.ts';
import { encodeAll, encodeText } from '../../src/harmony/encode.ts';
import type { HarmonyMessage } from '../../src/harmony/message.ts';
import { createParser, parseConversation, type MessageEnd } from '../../src/harmony/parse.ts';
import { renderConversation } from '../../src/harmony/render.ts';
import { vocabulary } from '../support/vocabulary.ts';
import { collectMessages, recordingSink, type CollectedMessage, type SinkCall } from './support/collect.ts';

interface StreamVector {
  readonly name: string;
  readonly ids: readonly number[];
  readonly library: { readonly messages: readonly Omit<CollectedMessage, 'how'>[]; readonly error: string | null };
  /** What is meant where that is not what the library reads. */
  readonly intended: readonly CollectedMessage[] | null;
}

const vectors = JSON.parse(
  readFileSync(new URL('../fixtures/harmony/streams.json', import.meta.url), 'utf8'),
) as readonly StreamVector[];

const idsOf = (line: string): number[] => encodeAll(vocabulary, spelled(line));

/** Parses one generation, `size` ids a push. */
function callsOf(ids: readonly number[], size: number = ids.length): SinkCall[] {
  const parser = createParser(vocabulary);
  const sink = recordingSink();
  for (let at = 0; at < ids.length; at += size) parser.push(ids.slice(at, at + size), sink);
  parser.finish(sink);
  return sink.calls;
}

const parsed = (line: string): CollectedMessage[] => collectMessages(callsOf(idsOf(line)));
const endsOf = (line: string): MessageEnd[] =>
  callsOf(idsOf(line)).flatMap((call) => ('end' in call ? [call.end] : []));

/** What both sides can say of a message. */
const withoutEnd = ({
  role,
  channel,
  recipient,
  contentType,
  text,
}: CollectedMessage): Omit<CollectedMessage, 'how'> => ({
  role,
  channel,
  recipient,
  contentType,
  text,
});

const header = { role: 'assistant', channel: null, recipient: null, contentType: null };

describe('a generation', () => {
  test.each(vectors.filter(({ intended }) => intended === null))('reads like the official library: $name', (vector) => {
    expect(vector.library.error).toBeNull();
    const messages = vector.library.messages.map((message) => ({
      ...message,
      contentType: message.contentType?.replace('<|constrain|>', '') ?? null,
    }));
    for (const size of [1, 2, 3, 1000]) {
      const ours = collectMessages(callsOf(vector.ids, size)).map(withoutEnd);
      expect(ours).toEqual(messages);
    }
  });

  test.each(vectors.filter(({ intended }) => intended !== null))('reads better than the library: $name', (vector) => {
    for (const size of [1, 2, 3, 1000]) expect(collectMessages(callsOf(vector.ids, size))).toEqual(vector.intended);
    const withoutEnds = vector.intended?.map(withoutEnd);
    expect(vector.library).not.toEqual({ messages: withoutEnds, error: null });
  });

  test('arrives message by message, text once for each stretch of a push', () => {
    const ids = idsOf(
      '<|channel|>analysis<|message|>Add two and two.<|end|><|start|>assistant<|channel|>final<|message|>It is 4.<|return|>',
    );
    const analysisIds = idsOf('<|channel|>analysis<|message|>Add two and two.');
    const finalIds = idsOf('<|channel|>final<|message|>It is 4.');
    expect(callsOf(ids)).toEqual([
      { start: { ...header, channel: 'analysis' } },
      { text: 'Add two and two.' },
      { end: { how: 'end', contentTokens: 5, tokenIds: analysisIds } },
      { start: { ...header, channel: 'final' } },
      { text: 'It is 4.' },
      { end: { how: 'return', contentTokens: 5, tokenIds: finalIds } },
    ]);
  });

  test('shows each token as soon as it makes a character', () => {
    const parser = createParser(vocabulary);
    const sink = recordingSink();
    const deltas = idsOf('<|channel|>final<|message|>Hi 👩‍💻!').map((id) => {
      sink.calls.length = 0;
      parser.push([id], sink);
      return sink.calls.map((call) => ('text' in call ? call.text : 'start'));
    });
    expect(deltas).toEqual([[], [], ['start'], ['Hi'], [' '], ['👩'], ['\u200d'], [], ['💻'], ['!']]);
  });

  test('ends as cut where the tokens end, within content but not within a header', () => {
    expect(parsed('<|channel|>analysis<|message|>Add')).toEqual([
      { ...header, channel: 'analysis', text: 'Add', how: 'cut' },
    ]);
    for (const line of [
      '',
      '<|channel|>',
      '<|channel|>analysis',
      '<|channel|>comment',
      ' to',
      ' to=',
      ' to=functions.get_wea',
      ' to=functions.x<|channel|>commentary json',
      '<|channel|>final<|message|>a<|end|><|start|>assistant<|channel|>fin',
    ]) {
      expect(parsed(line).filter(({ how }) => how === 'cut')).toEqual([]);
    }
  });

  test('counts the ids between header and end, those without text too', () => {
    const counts = (line: string): number[] => endsOf(line).map(({ contentTokens }) => contentTokens);
    expect(
      counts('<|channel|>analysis<|message|><|end|><|start|>assistant<|channel|>final<|message|>a b c<|return|>'),
    ).toEqual([0, 3]);
    expect(counts('<|channel|>analysis<|message|>a<|message|>b<|constrain|><|end|>')).toEqual([4]);
    expect(counts('<|channel|>analysis<|message|>a b')).toEqual([2]);
  });

  test('opens a message as soon as text is too long to be a header', () => {
    const long = 'word '.repeat(400);
    const parser = createParser(vocabulary);
    const sink = recordingSink();
    for (const id of encodeText(vocabulary, long)) parser.push([id], sink);
    expect(sink.calls.length).toBeGreaterThan(100);
    parser.finish(sink);
    expect(collectMessages(sink.calls)).toEqual([{ ...header, text: long, how: 'cut' }]);
  });

  test('keeps a character whole that lies where a header becomes too long', () => {
    for (let shift = 0; shift < 4; shift++) {
      const text = 'x '.repeat(shift) + '👩‍💻 語'.repeat(150);
      expect(collectMessages(callsOf(encodeText(vocabulary, text), 1))).toEqual([{ ...header, text, how: 'cut' }]);
    }
  });

  test('never throws, never shows a control token and never loses its place, whatever comes', () => {
    const random = new Random(11);
    const words = ['assistant', ' to=functions.x', 'analysis', 'final', ' json', 'hello', ' ', '\n'].map((text) =>
      encodeText(vocabulary, text),
    );
    const control = [199_998, 199_999, 200_002, 200_003, 200_005, 200_006, 200_007, 200_008, 200_012, 200_013, 201_087];
    for (let round = 0; round < 1000; round++) {
      const ids = random
        .times(random.between(1, 30), () => (random.chance(50) ? [random.pick(control)] : random.pick(words)))
        .flat();
      const messages = collectMessages(callsOf(ids, random.between(1, 5)));
      expect(messages.filter(({ text }) => text.includes('<|'))).toEqual([]);
      expect(messages).toEqual(collectMessages(callsOf(ids)));
    }
  });
});

describe('the ids of a message', () => {
  /** What `line` is as a past message: replayed by its ids. */
  function replay(line: string): number[] {
    const calls = callsOf(idsOf(line));
    const past = calls.flatMap((call): HarmonyMessage[] => {
      if (!('end' in call) || call.end.tokenIds === null) return [];
      const { tokenIds, how } = call.end;
      return how === 'call'
        ? [{ role: 'assistant', channel: 'call', name: '', arguments: '', tokenIds }]
        : [{ role: 'assistant', channel: 'final', text: '', tokenIds }];
    });
    return encodeAll(vocabulary, renderConversation(past));
  }

  test.each([
    '<|channel|>analysis<|message|>Think 🙂.<|end|><|start|>assistant<|channel|>final<|message|>Say.<|end|>',
    '<|channel|>commentary<|message|>I will look.<|end|><|start|>assistant<|channel|>commentary to=functions.x <|constrain|>json<|message|>{}<|call|>',
    ' to=functions.x<|channel|>analysis code<|message|>{}<|call|>',
    '<|message|>bare<|end|>',
  ])('make the next prompt continue what was generated: %s', (line) => {
    expect(replay(line)).toEqual(idsOf(`<|start|>assistant${line}<|start|>assistant`));
  });

  test.each([
    '<|channel|>final<|message|>a<|message|>b<|end|>',
    '<|channel|>analysis<|message|>a<|start|>assistant',
    '<|channel|>analysis<|channel|>final<|message|>a<|end|>',
    '<|channel|>final hello<|end|>',
    'hello<|end|>',
    '<|start|>user<|message|>a<|end|>',
  ])('are none where it would repeat a mistake: %s', (line) => {
    expect(endsOf(line).map(({ tokenIds }) => tokenIds)).toEqual([null]);
  });
});

describe('a conversation', () => {
  test('is read back from its prompt', () => {
    const random = new Random(5);
    for (const messages of random.times(40, () => generateConversation(random))) {
      const ids = encodeAll(vocabulary, renderConversation(messages));
      expect(parseConversation(vocabulary, ids)).toEqual(messages.map(asParsed));
    }
  });

  test('that breaks off has a last message that is cut', () => {
    const ids = idsOf('<|start|>user<|message|>Hi<|end|><|start|>assistant<|channel|>final<|message|>Hel');
    expect(parseConversation(vocabulary, ids)).toEqual([
      { ...header, role: 'user', text: 'Hi', how: 'end' },
      { ...header, channel: 'final', text: 'Hel', how: 'cut' },
    ]);
  });

  test('of a hundred thousand ids is read in one push', () => {
    const text = 'word '.repeat(150_000);
    const ids = encodeAll(vocabulary, renderConversation([{ role: 'user', text }]));
    expect(parseConversation(vocabulary, ids)).toEqual([{ ...header, role: 'user', text, how: 'end' }]);
  });
});

/** A message as its prompt reads. */
function asParsed(message: HarmonyMessage): CollectedMessage {
  const texts = renderConversation([message]).filter((piece) => typeof piece === 'string');
  const said = { ...header, role: message.role, text: texts.at(-2)?.toWellFormed() ?? '', how: 'end' as const };
  if (message.role === 'tool') {
    return { ...said, role: `functions.${message.name}`, channel: 'commentary', recipient: 'assistant' };
  }
  if (message.role !== 'assistant') return said;
  if (message.channel !== 'call') return { ...said, channel: message.channel };
  const call = { channel: 'commentary', recipient: `functions.${message.name}`, contentType: 'json' };
  return { ...said, ...call, how: 'call' };
}
