/** With storing off every call begins anew, unless it names the response to go on from. */
import { LM } from '../../src/client/index.ts';

const lm = new LM('gpt-oss-20b', { temperature: 0, autoStoreResponses: false });

const first = await lm.respond('My favorite color is green.');
console.log(first.text);

console.log((await lm.respond('What is my favorite color?')).text);
console.log((await lm.respond('What is my favorite color?', { previousResponseId: first.responseId })).text);
