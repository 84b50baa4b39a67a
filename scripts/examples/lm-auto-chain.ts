/** Calls of one LM go on from one another; the server keeps the conversation. */
import { LM } from '../../src/client/index.ts';

const lm = new LM('gpt-oss-20b', { temperature: 0 });

console.log((await lm.respond('My name is Ada.')).text);
console.log((await lm.respond('I live in Oslo.')).text);
console.log((await lm.respond('What is my name?')).text);

// A call that is not stored stands beside the conversation.
console.log((await lm.respond('Where do I live?', { autoStore: false })).text);
console.log((await lm.respond('Where do I live?')).text);
