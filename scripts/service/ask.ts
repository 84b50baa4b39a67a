/** Asks the Chorus of /var/lib/chorus one question, on a connection of its own; ends with 1 unless it is answered. */
import { readFileSync } from 'node:fs';

const key = readFileSync('/var/lib/chorus/api-key', 'utf8').trim();
const answer = await fetch('http://127.0.0.1:8000/v1/responses', {
  method: 'POST',
  headers: { authorization: `Bearer ${key}`, connection: 'close', 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'gpt-oss-20b', temperature: 0, input: 'What is 7 + 8?' }),
});
const { output_text: text } = (await answer.json()) as { output_text?: string };
console.log(answer.status, text);
if (text !== '7 + 8 = 15.') process.exitCode = 1;
