import { expect, it } from 'vitest';
import { HarmonyOutput } from '../../src/client/harmony-output.ts';
import { encodeAll } from '../../src/harmony/encode.ts';
import { createParser } from '../../src/harmony/parse.ts';
import type { Piece } from '../../src/harmony/render.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { vocabulary } from '../support/vocabulary.ts';

const CALL = [
  TOKENS.channel,
  'commentary to=functions.look_x2e_up ',
  TOKENS.constrain,
  'json',
  TOKENS.message,
  '{"a":1}',
];

function outputOf(...pieces: Piece[]): HarmonyOutput {
  const output = new HarmonyOutput(null, () => 'call_1');
  const parser = createParser(vocabulary);
  parser.push(encodeAll(vocabulary, pieces), output);
  parser.finish(output);
  return output;
}

it('keeps a call under its own name, with the ids that a follow-up replays', () => {
  const { said, messages } = outputOf(...CALL, TOKENS.call);
  expect(said.toolCalls).toEqual([{ id: 'call_1', name: 'look.up', arguments: '{"a":1}', parsedArguments: { a: 1 } }]);
  const tokenIds = encodeAll(vocabulary, CALL);
  expect(messages).toEqual([
    { role: 'assistant', channel: 'call', name: 'look_x2e_up', arguments: '{"a":1}', tokenIds },
  ]);
});

it('takes no call that was cut off for one, and replays what was cut off by its text', () => {
  const { said, messages } = outputOf(...CALL);
  expect([said.toolCalls, messages]).toEqual([[], []]);
  expect(outputOf(TOKENS.channel, 'final', TOKENS.message, 'Once upon').messages).toEqual([
    { role: 'assistant', channel: 'final', text: 'Once upon' },
  ]);
});
