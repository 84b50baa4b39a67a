import { describe, expect, it } from 'vitest';
import { encodeText } from '../../src/harmony/encode.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { MessageOutput } from '../../src/turn/message-output.ts';
import { vocabulary } from '../support/vocabulary.ts';

const ids = (text: string): number[] => encodeText(vocabulary, text);
const header = (text: string): number[] => [TOKENS.channel, ...ids(text), TOKENS.message];
const spell = (id: number): string => new TextDecoder().decode(vocabulary.tokenBytes(id));

const DEAF = {
  onMessageStart: () => {},
  onText: () => {},
  onMessageEnd: () => {},
  onLogprobs: () => {},
  onBatchEnd: () => {},
};

/** What is heard of tokens that come in one read, log probabilities as `[token]`. */
function hear(tokenIds: readonly number[], stop: readonly string[] = []) {
  const heard: string[] = [];
  const output = new MessageOutput(
    vocabulary,
    {
      onMessageStart: ({ channel }) => void heard.push(`<${channel}>`),
      onText: (text) => void heard.push(text),
      onMessageEnd: ({ how }) => void heard.push(`</${how}>`),
      onLogprobs: (logprobs) => void heard.push(logprobs.map(({ token_id: id }) => `[${spell(id)}]`).join('')),
      onBatchEnd: () => {},
    },
    stop,
  );
  const needs = output.push(
    tokenIds,
    tokenIds.map((id) => ({ token_id: id, logprob: -1 })),
  );
  output.finish();
  return { heard: heard.join(''), needs };
}

describe('the output of a turn', () => {
  it('tells log probabilities of the answer only, each before its text', () => {
    const tokens = [...header('analysis'), ...ids('hm hm'), TOKENS.end, ...header('final'), ...ids('Hello world')];
    expect(hear([...tokens, TOKENS.return]).heard).toBe(
      '<analysis>hm hm</end><final>[Hello]Hello[ world] world</return>',
    );
  });

  it('tells those of a character’s parts together, before the character', () => {
    const parts = ids('🫠');
    expect(parts.length).toBeGreaterThan(1);
    const { heard } = hear([...header('final'), ...parts, TOKENS.return]);
    expect(heard).toBe(`<final>${parts.map((id) => `[${spell(id)}]`).join('')}🫠</return>`);
  });

  it('holds them back with the text that may become a stop string, and drops them with it', () => {
    const tokens = [...header('final'), ...ids('abc'), ...ids('ST'), ...ids('OP'), ...ids(' more'), TOKENS.return];
    expect(hear(tokens, ['STOP'])).toEqual({ heard: '<final>[abc]abc</return>', needs: 'enough' });
    expect(hear(tokens, ['STOPPED'])).toEqual({
      heard: '<final>[abc]abc[ST][OP][ more]STOP more</return>',
      needs: 'more',
    });
  });

  it.each([false, true])(
    'counts no token after the one that completes a stop string (log probabilities: %s)',
    (has) => {
      const output = new MessageOutput(vocabulary, DEAF, ['lo wor']);
      const tokens = [...header('final'), ...ids('Hello world')];
      const read = [...tokens, ...ids(' and more'), TOKENS.return];
      const logprobs = has ? read.map((id) => ({ token_id: id, logprob: -1 })) : null;
      expect(output.push(read, logprobs)).toBe('enough');
      expect(output.tokenIds).toEqual(tokens);
    },
  );

  it('tells that of a token of which a stop string leaves a part', () => {
    const tokens = [...header('final'), ...ids('Hello'), ...ids(' world'), TOKENS.return];
    expect(hear(tokens, ['lo wor']).heard).toBe('<final>[Hello]Hel</return>');
  });

  it.each([
    ['no header at all', ids('Hello world'), '<null>[Hello][ world]Hello world</return>'],
    ['a header without channel', [TOKENS.message, ...ids('Hello world')], '<null>[Hello]Hello[ world] world</return>'],
    [
      'a header that text follows at once',
      [TOKENS.channel, ...ids('final'), ...ids(' Hello')],
      '<final>[ Hello]Hello</return>',
    ],
  ])('tells them after %s', (_, tokens, heard) => {
    expect(hear([...tokens, TOKENS.return]).heard).toBe(heard);
  });

  it('looks for stop strings and log probabilities in the same messages', () => {
    expect(hear([...ids('Hello world'), TOKENS.return], [' wor']).heard).toBe('<null>[Hello]Hello</return>');
    const call = [...header('final to=functions.f'), ...ids('Hello world'), TOKENS.call];
    expect(hear(call, [' wor'])).toEqual({ heard: '<final>Hello world</call>', needs: 'more' });
    const thought = [...header('analysis'), ...ids('Hello world'), TOKENS.end];
    expect(hear(thought, [' wor'])).toEqual({ heard: '<analysis>Hello world</end>', needs: 'more' });
  });
});
