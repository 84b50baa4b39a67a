/** OpenAI's Agents SDK for JavaScript, over both APIs; only the address and the key say that it is Chorus. */
import { Agent, OpenAIProvider, Runner, tool } from '@openai/agents';

const getWeather = tool({
  name: 'get_weather',
  description: 'Get the current weather for a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  execute: (input) => {
    console.log(`get_weather(${JSON.stringify(input)})`);
    return { temperature: 21 };
  },
});
const agent = new Agent({
  name: 'Assistant',
  instructions: 'You answer in one sentence.',
  model: 'gpt-oss-20b',
  modelSettings: { temperature: 0 },
  tools: [getWeather],
});

const { OPENAI_BASE_URL: baseURL = 'http://localhost:8000/v1', OPENAI_API_KEY: apiKey = 'EMPTY' } = process.env;
for (const useResponses of [true, false]) {
  const modelProvider = new OpenAIProvider({ baseURL, apiKey, useResponses });
  const runner = new Runner({ modelProvider, tracingDisabled: true });
  const { finalOutput } = await runner.run(agent, 'What is the weather in Paris?');
  console.log(finalOutput);
}
