/**
 * gpt-oss by its own tokens: prompt and answer are harmony, an engine's token route is all that is asked, and the LM
 * keeps the conversation. `SYNTH_GPU_HARMONY_ENDPOINT` says where.
 */
import { LM, toolResult } from '../../src/client/index.ts';

const lm = new LM('gpt-oss-20b', {
  temperature: 0,
  tools: [
    {
      name: 'get_weather',
      description: 'Get the current weather for a city.',
      parameters: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] },
    },
  ],
});
console.log(`${lm.apiType}: ${lm.apiReason}`);

const asked = await lm.respond('You are a helpful assistant.', 'What is the weather in Paris?');
for (const call of asked.toolCalls) {
  console.log(`${call.name}(${call.arguments})`);
  const answer = await lm.respond(toolResult(call, { degrees: 21 }));
  console.log(answer.text);
  if (answer.apiType === 'harmony') {
    const { promptTokenIds, tokenIds, finishReason } = answer.rawResponse;
    console.log(`${promptTokenIds.length} tokens in, ${tokenIds.length} out, ended by ${finishReason}`);
  }
}
