import { describe, expect, it } from 'vitest';
import type { ChatCompletion } from '../../src/protocol/chat.ts';
import type { ResponseObject } from '../../src/protocol/responses.ts';
import type { RunningChorus } from '../support/chorus-process.ts';
import { post } from '../support/completions-client.ts';
import { getWeather as weather } from '../support/weather-function.ts';

const common = { model: 'gpt-oss-20b', temperature: 0 };
const question = { role: 'user', content: 'What is the weather in Paris?' };
const RESULTS = ['{"temperature":21}', '{"temperature":-7}'];
const EXPECTED = ['It is 21 degrees in Paris.', 'It is -7 degrees in Paris.'];

type Answer = ResponseObject & { output_text: string };

/** What functions gave comes by a second POST to the same route; run on the simulator and on the real vLLM. */
export function toolOutputsSuite(chorus: () => RunningChorus): void {
  describe.each(['/v1', '/api/v1'])('tool outputs under %s', (prefix) => {
    it('come by a second POST with the same previous_response_id, each of them a branch of its own', async () => {
      const ask = async (body: object): Promise<Answer> =>
        (await post<Answer>(chorus().url, `${prefix}/responses`, { ...common, ...body })).body;
      const tools = [{ type: 'function', ...weather }];
      const first = await ask({ input: [question], tools });
      const call = first.output.find((item) => item.type === 'function_call') ?? expect.fail(JSON.stringify(first));
      const seconds = await Promise.all(
        RESULTS.map((output) =>
          ask({
            previous_response_id: first.id,
            input: [{ type: 'function_call_output', call_id: call.call_id, output }],
            tools,
          }),
        ),
      );
      expect(seconds.map((second) => second.output_text)).toEqual(EXPECTED);
      expect(seconds.map((second) => second.previous_response_id)).toEqual([first.id, first.id]);
    });

    it('come by a second POST with the history to chat, where an id of a response means nothing', async () => {
      const ask = async (body: object): Promise<ChatCompletion> =>
        (await post<ChatCompletion>(chorus().url, `${prefix}/chat/completions`, { ...common, ...body })).body;
      const tools = [{ type: 'function', function: weather }];
      const first = await ask({ messages: [question], tools });
      const message = first.choices[0]?.message ?? expect.fail(JSON.stringify(first));
      const seconds = await Promise.all(
        RESULTS.map((content) => {
          const result = { role: 'tool', tool_call_id: message.tool_calls?.[0]?.id, content };
          return ask({ previous_response_id: first.id, messages: [question, message, result], tools });
        }),
      );
      expect(seconds.map(({ choices }) => choices[0]?.message.content)).toEqual(EXPECTED);
    });
  });
}
