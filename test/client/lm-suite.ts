import { describe, expect, it } from 'vitest';
import { toolResult, type LM, type LMOptions, type LMResult } from '../../src/client/index.ts';
import { getWeather } from '../support/weather-function.ts';

const person = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
};

const ADA = 'My name is Ada.';
const WHO = 'What is my name?';
const textOf = async (result: Promise<LMResult>): Promise<string> => (await result).text;

/** What an LM does wherever conversations have ids, against gpt-oss's closed world; `newLM` makes one at temperature 0. */
export function lmSuite(newLM: (options?: LMOptions) => LM): void {
  describe('an answer', () => {
    it('holds text, reasoning, usage and an id', async () => {
      const { text, reasoning, toolCalls, structuredOutput, usage, responseId, incompleteReason, message } =
        await newLM().respond('What is 7 + 8?');
      expect({ text, reasoning, toolCalls, structuredOutput, incompleteReason }).toEqual({
        text: '7 + 8 = 15.',
        reasoning: 'Add 7 and 8.',
        toolCalls: [],
        structuredOutput: null,
        incompleteReason: null,
      });
      expect(message).toEqual({ role: 'assistant', content: text, reasoning });
      expect(responseId).toMatch(/^resp_/);
      expect(usage?.reasoningTokens).toBe(7);
      expect(usage?.totalTokens).toBe((usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0));
    });

    it('follows a system message, as two words or in a list', async () => {
      expect(await textOf(newLM().respondAsync('Always answer in French.', 'Hello'))).toBe('Bonjour !');
      const messages = [
        { role: 'system', content: 'Always answer in German.' },
        { role: 'user', content: 'Hello' },
      ] as const;
      expect(await textOf(newLM().respond({ messages }))).toBe('Guten Tag!');
      expect(await textOf(newLM().respond(messages))).toBe('Guten Tag!');
    });

    it('takes effort and a maximum of tokens, of the LM or of the call', async () => {
      const lm = newLM({ reasoningEffort: 'low', maxOutputTokens: 16 });
      const short = await lm.respond('Why is the sky blue?');
      expect([short.reasoning, short.incompleteReason]).toEqual(['Rayleigh.', 'max_output_tokens']);
      const whole = await lm.respond('Why is the sky blue?', { maxOutputTokens: 500, reasoningEffort: 'medium' });
      expect(whole.reasoning).toMatch(/^Rayleigh scattering\./);
      expect([whole.text, whole.incompleteReason]).toEqual(['Because air scatters blue light.', null]);
    });
  });

  describe('a conversation', () => {
    it('goes on by itself, calls that were not waited for included', async () => {
      const lm = newLM();
      const [, named, unknown] = await Promise.all([lm.respond(ADA), lm.respond(WHO), lm.respond('Where do I live?')]);
      expect([named.text, unknown.text]).toEqual(['Your name is Ada.', 'I do not know where you live.']);
      expect(lm.lastResponseId).toBe(unknown.responseId);
    });

    it('goes on from an explicit id, also without storing, and begins anew from null', async () => {
      const lm = newLM();
      const { responseId } = await lm.respond(ADA);
      await lm.respond('I live in Oslo.');
      expect(await textOf(lm.respond(WHO, { previousResponseId: responseId, autoStore: false }))).toBe(
        'Your name is Ada.',
      );
      const early = await lm.respond('Where do I live?', { previousResponseId: responseId });
      expect([early.text, lm.lastResponseId]).toEqual(['I do not know where you live.', early.responseId]);
      expect(await textOf(lm.respond(WHO, { previousResponseId: null }))).toBe('I do not know your name.');
    });

    it('is neither read nor written by a call that is not stored', async () => {
      const lm = newLM();
      const { responseId } = await lm.respond(ADA);
      expect(await textOf(lm.respond(WHO, { autoStore: false }))).toBe('I do not know your name.');
      expect(lm.lastResponseId).toBe(responseId);
      expect(await textOf(lm.respond(WHO))).toBe('Your name is Ada.');
    });

    it('is kept by hand where storing is off, or stored by a single call', async () => {
      const lm = newLM({ autoStoreResponses: false });
      const { responseId } = await lm.respond(ADA);
      expect([lm.lastResponseId, await textOf(lm.respond(WHO))]).toEqual([null, 'I do not know your name.']);
      expect(await textOf(lm.respond(WHO, { previousResponseId: responseId }))).toBe('Your name is Ada.');
      const stored = await lm.respond(ADA, { autoStore: true });
      expect(lm.lastResponseId).toBe(stored.responseId);
      expect(await textOf(lm.respond(WHO, { autoStore: true }))).toBe('Your name is Ada.');
    });

    it('stays where it was when a call fails', async () => {
      const lm = newLM();
      const { responseId } = await lm.respond(ADA);
      const lost = lm.respond(WHO, { previousResponseId: 'resp_unknown' });
      await expect(lost).rejects.toThrow(/resp_unknown/);
      const wrong = lm.respond('Say OK.', { responseFormat: { toJSONSchema: () => person, parse: refuse } });
      await expect(wrong).rejects.toThrow('no such person');
      expect(lm.lastResponseId).toBe(responseId);
      expect(await textOf(lm.respond(WHO))).toBe('Your name is Ada.');
    });

    it('forks: each goes its own way, side by side', async () => {
      const lm = newLM();
      await lm.respond(ADA);
      const fork = lm.fork();
      expect(fork.lastResponseId).toBe(lm.lastResponseId);
      await Promise.all([lm.respond('I live in Oslo.'), fork.respond('I live in Rome.')]);
      const answers = [lm.respond('Where do I live?'), fork.respond('Where do I live?'), fork.respond(WHO)];
      expect(await Promise.all(answers.map(textOf))).toEqual([
        'You live in Oslo.',
        'You live in Rome.',
        'Your name is Ada.',
      ]);
    });
  });

  describe('tools', () => {
    it('are called, and the result is answered in the conversation', async () => {
      const lm = newLM({ tools: [getWeather] });
      const { text, toolCalls } = await lm.respond('Tell me what you do, then check the weather in Paris.');
      const call = toolCalls[0] ?? expect.fail('no call');
      expect([text, toolCalls.length, call.name]).toEqual(['I will check the weather in Paris.', 1, 'get_weather']);
      expect([JSON.parse(call.arguments), call.parsedArguments]).toEqual([
        { location: 'Paris' },
        { location: 'Paris' },
      ]);
      const answer = await lm.respond(toolResult(call, { degrees: 21 }));
      expect(answer.text).toBe('It is 21 degrees in Paris.');
    });

    it('are answered in a list of messages that the caller keeps', async () => {
      const lm = newLM({ tools: [getWeather], autoStoreResponses: false });
      const asked = [{ role: 'user', content: 'Weather in Paris?' }] as const;
      const { message, toolCalls } = await lm.respond(asked);
      const call = toolCalls[0] ?? expect.fail('no call');
      expect(await textOf(lm.respond([...asked, message, toolResult(call, '18')]))).toBe('It is 18 degrees in Paris.');
    });

    it('are called as the choice says', async () => {
      const lm = newLM({ tools: [getWeather], autoStoreResponses: false });
      const named = await lm.respond('Say OK.', { toolChoice: { name: 'get_weather' } });
      expect(named.toolCalls.map(({ name }) => name)).toEqual(['get_weather']);
      const required = await lm.respond('Weather in Paris?', { toolChoice: 'required' });
      expect(required.toolCalls.map(({ parsedArguments }) => parsedArguments)).toEqual([{ location: 'Paris' }]);
      const none = await lm.respond('Weather in Paris?', { toolChoice: 'none' });
      expect([none.toolCalls, none.text.length > 0]).toEqual([[], true]);
    });

    it('get arguments of their schema where they are strict', async () => {
      const parameters = { ...getWeather.parameters, properties: { location: { enum: ['Oslo'] } } };
      const strict = { ...getWeather, parameters, strict: true };
      const { toolCalls } = await newLM().respond('Weather in Paris?', { tools: [strict], toolChoice: 'required' });
      expect(toolCalls.map(({ parsedArguments }) => parsedArguments)).toEqual([{ location: 'Oslo' }]);
    });
  });

  describe('structured output', () => {
    it('is of the schema', async () => {
      const options = { responseFormat: person };
      const { structuredOutput, text } = await newLM().respond('Give me a person, age 7, as JSON.', options);
      expect(structuredOutput).toEqual({ name: expect.any(String), age: expect.any(Number) });
      expect(JSON.parse(text)).toEqual(structuredOutput);
    });

    it('is read by the library that the schema is of', async () => {
      const source = { toJSONSchema: () => person, parse: (value: unknown) => Object.keys(value as object) };
      const options = { responseFormat: source };
      const { structuredOutput } = await newLM().respond('Give me a person, age 7, as JSON.', options);
      // The type is what `parse` gives.
      expect(structuredOutput?.toSorted()).toEqual(['age', 'name']);
    });

    it('waits while a tool is called', async () => {
      const lm = newLM({ tools: [getWeather] });
      const { structuredOutput, toolCalls } = await lm.respond('Weather in Paris?', { responseFormat: person });
      expect([structuredOutput, toolCalls.length]).toEqual([null, 1]);
    });
  });

  describe('a stream', () => {
    it('gives reasoning, a preamble, a call and the result, and moves the conversation', async () => {
      const lm = newLM({ tools: [getWeather] });
      const pieces: Record<string, string> = {};
      let last: LMResult | null = null;
      for await (const event of lm.stream('Tell me what you do, then check the weather in Paris.')) {
        if (event.type === 'result') last = event.result;
        else {
          const kind = event.type === 'text' ? event.phase : event.type;
          pieces[kind] = (pieces[kind] ?? '') + (event.type === 'toolCall' ? event.toolCall.arguments : event.text);
        }
      }
      expect(pieces).toEqual({
        reasoning: 'Need the weather in Paris.',
        preamble: 'I will check the weather in Paris.',
        toolCall: '{"location":"Paris"}',
      });
      expect([last?.text, last?.reasoning]).toEqual([pieces['preamble'], pieces['reasoning']]);
      expect(lm.lastResponseId).toBe(last?.responseId);
      const answer = lm.stream(toolResult(last?.toolCalls[0] ?? expect.fail('no call'), '21'));
      expect((await answer.result).text).toBe('It is 21 degrees in Paris.');
    });

    it('comes whether it is read or not, can be read late and twice, and takes its turn', async () => {
      const lm = newLM();
      const stream = lm.stream(ADA);
      expect(await textOf(lm.respond(WHO))).toBe('Your name is Ada.');
      for (let round = 0; round < 2; round++) {
        let text = '';
        for await (const event of stream) if (event.type === 'text') text += event.text;
        expect(text).toBe('Hello Ada!');
      }
    });

    it('ends with the loop that reads it', async () => {
      const lm = newLM();
      const stream = lm.stream('Tell me a long story.');
      for await (const { type } of stream) if (type === 'text') break;
      await expect(stream.result).rejects.toMatchObject({ name: 'AbortError' });
      expect([lm.lastResponseId, await textOf(lm.respond('Say OK.'))]).toEqual([null, 'OK']);
    });

    it('tells of a failure who reads it and who waits for it', async () => {
      const stream = newLM().stream(WHO, { previousResponseId: 'resp_unknown' });
      await expect(stream.result).rejects.toThrow(/resp_unknown/);
      await expect(stream[Symbol.asyncIterator]().next()).rejects.toThrow(/resp_unknown/);
    });
  });

  describe('an abort', () => {
    it('ends a call with its reason, whether it runs or waits', async () => {
      const lm = newLM();
      const running = new AbortController();
      const waiting = new AbortController();
      const story = lm.stream('Tell me a long story.', { signal: running.signal });
      const never = lm.respond(ADA, { signal: waiting.signal });
      const next = lm.respond(WHO);
      await story[Symbol.asyncIterator]().next();
      waiting.abort(new Error('changed my mind'));
      await expect(never).rejects.toThrow('changed my mind');
      running.abort(new Error('enough'));
      await expect(story.result).rejects.toThrow('enough');
      expect(await textOf(next)).toBe('I do not know your name.');
    });
  });
}

function refuse(): never {
  throw new Error('no such person');
}
