import { describe, expect, it } from 'vitest';
import { prepareChat } from '../../src/chat/prepare-chat.ts';
import type { CodedError } from '../../src/domain/errors.ts';
import type { ChatCompletion, CreateChatBody } from '../../src/protocol/chat.ts';
import type { PrepareOptions } from '../../src/responses/request.ts';
import type { TurnEnd } from '../../src/turn/run-turn.ts';
import {
  readDataFrames,
  saidInChunks,
  saidWhole,
  type ChatChunk,
  type ChatSaid,
} from '../support/completions-client.ts';
import { prepareOptions } from '../support/prepare-options.ts';
import { aReplica } from '../support/replicas.ts';

const COMPLETED = {
  kind: 'completed' as const,
  replica: aReplica(),
  usage: { inputTokens: 10, cachedTokens: 4, outputTokens: 20 },
  failedAttempts: [],
  isSimulated: false,
};
const tool = {
  type: 'function',
  function: { name: 'f', strict: true, parameters: { type: 'object', properties: {} } },
};
const schema = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'], additionalProperties: false };
const format = { type: 'json_schema', json_schema: { name: 'n', strict: true, schema } };

/** One completion over messages that a test says, whole and as a stream. */
function setUp(body: Partial<CreateChatBody> = {}, options: Partial<PrepareOptions> = {}) {
  const chat = { model: 'gpt-oss-20b', messages: [{ role: 'user', content: 'q' }], ...body };
  const asked = prepareChat(chat, { ...prepareOptions, ...options }, 'fp');
  let frames = '';
  const open = (write: ((text: string) => void) | null) => {
    const writer = asked.openWriter(write, () => {});
    if (writer.hears !== 'messages') throw new Error(writer.hears);
    return writer;
  };
  const whole = open(null);
  const streamed = open((text) => void (frames += text));
  streamed.begin();
  const say = (channel: string | null, text: string, recipient: string | null = null, how: 'end' | 'cut' = 'end') => {
    for (const writer of [whole, streamed]) {
      writer.onMessageStart({ role: 'assistant', channel, recipient, contentType: null });
      for (const word of text.match(/\S+\s*/g) ?? []) writer.onText(word);
      writer.onMessageEnd({ how, contentTokens: 3, tokenIds: null });
      writer.onBatchEnd();
    }
  };
  const end = (turn: TurnEnd = COMPLETED): { said: readonly ChatSaid[]; error: CodedError | null } => {
    if (turn.kind === 'aborted') throw new Error(turn.kind);
    const error = whole.finish(turn, prepareOptions.nowMs);
    streamed.announce(streamed.finish(turn, prepareOptions.nowMs));
    const stream = readDataFrames<ChatChunk>(frames);
    if (error !== null) {
      expect(stream.error).toEqual(error.toBody().error);
      return { said: [], error };
    }
    const completion: ChatCompletion = whole.answer();
    return { said: [saidWhole(completion), saidInChunks(stream)], error };
  };
  return { whole, say, end };
}

/** What both ways say, without the ids of calls, which are drawn. */
const messages = (said: readonly ChatSaid[]): unknown[] =>
  said.map(({ message: { tool_calls: calls, ...message }, finishReason }) => ({
    ...message,
    finishReason,
    ...(calls ? { calls: calls.map(({ function: called }) => called) } : {}),
  }));

const twice = (message: object): object[] => {
  const whole = { role: 'assistant', content: '', refusal: null, finishReason: 'stop', ...message };
  return [whole, whole];
};

describe('the one message of a chat completion', () => {
  it('joins what chat has one place for', () => {
    const { say, end } = setUp({ tools: [tool] });
    say('analysis', 'think');
    say('commentary', 'I will look.');
    say('analysis', 'think more');
    say('final', '');
    say('final', 'Done.');
    expect(messages(end().said)).toEqual(twice({ content: 'I will look.\n\nDone.', reasoning: 'think\n\nthink more' }));
  });

  it('keeps a preamble out of JSON', () => {
    const { say, end } = setUp({ response_format: format });
    say('commentary', 'Here it comes.');
    say('final', '{"a":1}');
    expect(messages(end().said)).toEqual(twice({ content: '{"a":1}', reasoning: 'Here it comes.' }));
  });

  it('has every call, an empty one with an empty object', () => {
    const { say, end } = setUp({ tools: [tool] });
    say('commentary', '', 'functions.f');
    say('commentary', '{}', 'f');
    const calls = [
      { name: 'f', arguments: '{}' },
      { name: 'f', arguments: '{}' },
    ];
    expect(messages(end().said)).toEqual(twice({ content: null, finishReason: 'tool_calls', calls }));
  });

  it('shows a call that nobody offered as text', () => {
    const { say, end } = setUp();
    say('commentary', 'x', 'functions.g');
    expect(messages(end().said)).toEqual(twice({ content: 'x' }));
  });

  it('has no reasoning where the server hides it, and counts it all the same', () => {
    const { say, end } = setUp({}, { showReasoning: false });
    say('analysis', 'secret');
    say('final', 'Done.');
    const { said } = end();
    expect(messages(said)).toEqual(twice({ content: 'Done.' }));
    expect(said[0]?.usage?.completion_tokens_details?.reasoning_tokens).toBe(3);
  });

  it('ends by length where the turn is incomplete, whatever was begun', () => {
    const { say, end } = setUp({ tools: [tool] });
    say('commentary', '{"a', 'functions.f', 'cut');
    const { said } = end({ ...COMPLETED, kind: 'incomplete' });
    expect(said.map(({ finishReason }) => finishReason)).toEqual(['length', 'length']);
  });

  it('forgets what another engine begins anew', () => {
    const { whole, say, end } = setUp();
    whole.onMessageStart({ role: 'assistant', channel: 'final', recipient: null, contentType: null });
    whole.onText('void');
    whole.onStartOver();
    say('final', 'Done.');
    expect(messages(end().said)).toEqual(twice({ content: 'Done.' }));
  });

  it('fails in chat’s own words where the answer breaks its promise', () => {
    const { say, end } = setUp({ response_format: format });
    say('final', '{"a":"x"}');
    const { error } = end();
    expect(error).toMatchObject({ errorName: 'broken_promise', status: 502 });
    expect(error?.message).toMatch(/^The model's answer breaks response_format: /);
  });
});
