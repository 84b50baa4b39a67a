/** A fork goes on from the same place, its own way, and at the same time. */
import { LM } from '../../src/client/index.ts';

const lm = new LM('gpt-oss-20b', { temperature: 0 });
await lm.respond('My name is Ada.');

const fork = lm.fork();
await Promise.all([lm.respond('I live in Oslo.'), fork.respond('I live in Rome.')]);

const [here, there] = await Promise.all([lm.respond('Where do I live?'), fork.respond('Where do I live?')]);
console.log('lm:  ', here.text);
console.log('fork:', there.text);
console.log('fork:', (await fork.respond('What is my name?')).text);
