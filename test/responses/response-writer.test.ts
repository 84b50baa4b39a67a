import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src/domain/errors.ts';
import type { MessageEnd, MessageHeader } from '../../src/harmony/parse.ts';
import { EventStream } from '../../src/responses/event-stream.ts';
import type { CreateResponseBody } from '../../src/protocol/responses.ts';
import { prepareResponse, type PrepareOptions } from '../../src/responses/request.ts';
import { ResponseWriter } from '../../src/responses/response-writer.ts';
import { eventOrderProblems } from '../support/event-order.ts';
import { NOW_MS, prepareOptions } from '../support/prepare-options.ts';
import { aReplica } from '../support/replicas.ts';
import { readFrames } from '../support/responses-client.ts';

const usage = { inputTokens: 10, cachedTokens: 4, outputTokens: 20 };
const noFailure = { usage, failedAttempts: [], isSimulated: false };
const header = (channel: string | null, recipient: string | null = null): MessageHeader => ({
  role: 'assistant',
  channel,
  recipient,
  contentType: null,
});
const ended = (how: MessageEnd['how'], contentTokens: number): MessageEnd => ({ how, contentTokens, tokenIds: null });

/** Ends a response as if there were nothing to wait for. */
function conclude(writer: ResponseWriter, end: Parameters<ResponseWriter['finish']>[0]): CodedError | null {
  const error = writer.finish(end, NOW_MS);
  writer.announce(error);
  return error;
}

function setUp(body: Partial<CreateResponseBody> = {}, options: Partial<PrepareOptions> = {}) {
  const writes: string[] = [];
  const request = { model: 'gpt-oss-20b', input: 'hi', ...body };
  const { response, policy } = prepareResponse(request, { ...prepareOptions, ...options });
  const writer = new ResponseWriter(response, policy, new EventStream((frames) => void writes.push(frames)));
  const say = (channel: string | null, texts: readonly string[], how: MessageEnd['how']): void => {
    writer.onMessageStart(header(channel));
    texts.forEach((text) => writer.onText(text));
    writer.onMessageEnd(ended(how, texts.length));
  };
  return { writer, writes, say, events: () => readFrames(writes.join('')).events };
}

describe('ResponseWriter', () => {
  it('keeps every rule of the stream over reasoning, preamble and answer', () => {
    const { writer, say, events } = setUp();
    writer.begin();
    say('analysis', ['think ', '"hard"\n'], 'end');
    say('commentary', ['I will look.'], 'end');
    say('final', ['naïve ', '🙂'], 'return');
    conclude(writer, { kind: 'completed', ...noFailure, replica: aReplica() });
    expect(eventOrderProblems(events())).toEqual([]);
    expect(writer.response).toMatchObject({
      status: 'completed',
      completed_at: 1_700_000_000,
      usage: {
        input_tokens: 10,
        input_tokens_details: { cached_tokens: 4 },
        output_tokens: 20,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 30,
      },
      output: [
        { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'think "hard"\n' }] },
        { type: 'message', phase: 'commentary', status: 'completed', content: [{ text: 'I will look.' }] },
        {
          type: 'message',
          phase: 'final_answer',
          status: 'completed',
          content: [{ text: 'naïve 🙂', annotations: [], logprobs: [] }],
        },
      ],
    });
  });

  it('sends what one batch brought in one write', () => {
    const { writer, writes } = setUp();
    writer.begin();
    writer.onMessageStart(header('final'));
    writer.onText('a');
    writer.onText('b');
    writer.onBatchEnd();
    expect(writes).toHaveLength(2);
  });

  it('marks the message that the token limit cut, and the response, as incomplete', () => {
    const { writer, say, events } = setUp();
    writer.begin();
    say('final', ['Hel'], 'cut');
    conclude(writer, { kind: 'incomplete', ...noFailure, replica: aReplica() });
    expect(eventOrderProblems(events())).toEqual([]);
    expect(events().at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', completed_at: null, output: [{ status: 'incomplete' }] },
    });
  });

  it('ends a failure with an error event and response.failed, numbered on, with the items that were finished', () => {
    const { writer, say, events } = setUp();
    writer.begin();
    say('analysis', ['think'], 'end');
    conclude(writer, { kind: 'failed', ...noFailure, error: new CodedError('engine_failed', 'The engine died.') });
    expect(eventOrderProblems(events())).toEqual([]);
    expect(events().slice(-2)).toMatchObject([
      {
        type: 'error',
        code: 'server_error',
        message: 'The engine died.',
        error: { type: 'server_error', code: 'server_error' },
      },
      {
        type: 'response.failed',
        response: { status: 'failed', error: { code: 'server_error', message: 'The engine died.' } },
      },
    ]);
  });

  const weather = { type: 'function', name: 'mcp.weather', parameters: { type: 'object' } };
  const callIt = (
    writer: ResponseWriter,
    recipient: string,
    texts: readonly string[],
    how: MessageEnd['how'],
  ): void => {
    writer.onMessageStart(header('commentary', recipient));
    texts.forEach((text) => writer.onText(text));
    writer.onMessageEnd(ended(how, texts.length));
  };

  it('tells a call with its deltas and its name as the client knows it', () => {
    const { writer, events } = setUp({ tools: [weather] });
    writer.begin();
    callIt(writer, 'functions.mcp_x2e_weather', ['{"location":', '"Paris"}'], 'call');
    conclude(writer, { kind: 'completed', ...noFailure, replica: aReplica() });
    expect(eventOrderProblems(events())).toEqual([]);
    expect(writer.response.output).toMatchObject(
      [
        {
          type: 'function_call',
          id: /^fc_/,
          call_id: /^call_/,
          name: 'mcp.weather',
          arguments: '{"location":"Paris"}',
          status: 'completed',
        },
      ].map((item) => ({ ...item, id: expect.stringMatching(item.id), call_id: expect.stringMatching(item.call_id) })),
    );
  });

  it('recognises a function whose prefix the model forgot, and gives a call without arguments an empty object', () => {
    const { writer, events } = setUp({ tools: [weather] });
    writer.begin();
    callIt(writer, 'mcp_x2e_weather', [], 'call');
    conclude(writer, { kind: 'completed', ...noFailure, replica: aReplica() });
    expect(eventOrderProblems(events())).toEqual([]);
    expect(writer.response.output).toMatchObject([{ type: 'function_call', arguments: '{}' }]);
  });

  it('marks a call that the token limit cut as incomplete', () => {
    const { writer } = setUp({ tools: [weather] });
    callIt(writer, 'functions.mcp_x2e_weather', ['{"loc'], 'cut');
    expect(writer.response.output).toMatchObject([{ type: 'function_call', status: 'incomplete', arguments: '{"loc' }]);
  });

  it('hides the text of reasoning where the operator wants that, and counts it all the same', () => {
    const { writer, say, events } = setUp({}, { showReasoning: false });
    writer.begin();
    say('analysis', ['secret'], 'end');
    conclude(writer, { kind: 'completed', ...noFailure, replica: aReplica() });
    expect(eventOrderProblems(events())).toEqual([]);
    expect(JSON.stringify(events())).not.toContain('secret');
    expect(writer.response).toMatchObject({
      usage: { output_tokens_details: { reasoning_tokens: 1 } },
      output: [{ summary: [] }],
    });
  });

  it('tells of the engines that failed on the way to the answer, and nothing where none did', () => {
    const failure = { engineId: 'engine-0', cause: 'cut', status: null, outputTokens: 12, suspectHash: null } as const;
    const failedAttempts = [
      { ...failure, outcome: 'moved', reason: 'the connection broke' } as const,
      { ...failure, engineId: 'engine-1', outcome: 'given_up', reason: 'it broke again' } as const,
    ];
    const { writer, events } = setUp();
    writer.begin();
    const error = new CodedError('engine_failed', 'The engine died.');
    conclude(writer, { kind: 'failed', ...noFailure, failedAttempts, error });
    const told = { engine: 'engine-0', outcome: 'moved', output_tokens: 12, reason: 'cut: the connection broke' };
    expect(events().at(-1)).toMatchObject({ response: { chorus: { failed_attempts: [told] } } });
    const { writer: another } = setUp();
    conclude(another, { kind: 'completed', ...noFailure, replica: aReplica() });
    expect(another.response).not.toHaveProperty('chorus');
  });

  it('seals reasoning for the client that asked for it', () => {
    const { writer, say } = setUp({ include: ['reasoning.encrypted_content'] });
    say('analysis', ['think'], 'end');
    expect(writer.response.output).toMatchObject([{ encrypted_content: 'sealed:think', content: [{ text: 'think' }] }]);
  });

  it('makes an answer that is not the JSON that was asked for a failed response with the reason', () => {
    const { writer, say, events } = setUp({ text: { format: { type: 'json_object' } } });
    writer.begin();
    say('final', ['{"a":'], 'return');
    const error = conclude(writer, { kind: 'completed', ...noFailure, replica: aReplica() });
    expect(error).toMatchObject({ errorName: 'broken_promise', status: 502 });
    expect(events().at(-1)).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', usage: { output_tokens: 20 } },
    });
  });

  it('shows a call of a function that was never offered as text, not as a call', () => {
    const { writer } = setUp({ tools: [weather] });
    callIt(writer, 'functions.rm_rf', ['{}'], 'call');
    expect(writer.response.output).toMatchObject([{ type: 'message', phase: 'commentary', content: [{ text: '{}' }] }]);
  });

  it.each([
    ['a required call', { tools: [weather], tool_choice: 'required' }, 'tool_choice requires one'],
    ['structured output', { text: { format: { type: 'json_object' } } }, 'no answer for text.format'],
  ])('makes a turn that ended without %s a failed response', (_title, body, reason) => {
    const { writer, say } = setUp(body);
    say('analysis', ['think'], 'return');
    const error = conclude(writer, { kind: 'completed', ...noFailure, replica: aReplica() });
    expect(error).toMatchObject({ errorName: 'broken_promise', message: expect.stringContaining(reason) });
  });

  it('shows nothing of what the model says in the name of others', () => {
    const { writer, events } = setUp();
    writer.begin();
    for (const role of ['user', 'functions.f']) {
      writer.onMessageStart({ ...header('final'), role });
      writer.onText('invented');
      writer.onMessageEnd(ended('end', 1));
    }
    conclude(writer, { kind: 'completed', ...noFailure, replica: aReplica() });
    expect(eventOrderProblems(events())).toEqual([]);
    expect(writer.response.output).toEqual([]);
  });

  it('shows a message on a channel that does not exist as an answer', () => {
    const { writer, say } = setUp();
    say('musings', ['x'], 'end');
    expect(writer.response.output).toMatchObject([{ type: 'message', phase: 'final_answer' }]);
  });
});
