/** What the model thinks, as it thinks it: reasoning and answer come apart. */
import { LM } from '../../src/client/index.ts';

const lm = new LM('gpt-oss-20b', { temperature: 0 });

let phase = '';
for await (const event of lm.stream('Why is the sky blue?', { reasoningEffort: 'medium' })) {
  if (event.type === 'result') {
    const { reasoningTokens = 0, outputTokens = 0 } = event.result.usage ?? {};
    console.log(`\n${reasoningTokens} of ${outputTokens} tokens were thought.`);
  } else if (event.type !== 'toolCall') {
    if (event.type !== phase) process.stdout.write(`${phase === '' ? '' : '\n'}[${event.type}] `);
    process.stdout.write(event.text);
    phase = event.type;
  }
}
