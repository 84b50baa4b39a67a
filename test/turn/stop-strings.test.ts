import { describe, expect, it } from 'vitest';
import { StopStrings } from '../../src/turn/stop-strings.ts';

const end = { how: 'return', contentTokens: 1, tokenIds: null } as const;

function hear(stops: readonly string[], channel: string | null, texts: readonly string[]) {
  const heard: string[] = [];
  const filter = new StopStrings(
    {
      onMessageStart: () => void heard.push('<'),
      onText: (text) => void heard.push(text),
      onMessageEnd: () => void heard.push('>'),
    },
    stops,
  );
  filter.onMessageStart({ role: 'assistant', channel, recipient: null, contentType: null });
  for (const text of texts) filter.onText(text);
  filter.onMessageEnd(end);
  return { heard, stopped: filter.stopped };
}

describe('StopStrings', () => {
  it('ends the answer before a stop string, also one that comes in pieces', () => {
    expect(hear(['STOP'], 'final', ['abc S', 'T', 'OP def'])).toEqual({ heard: ['<', 'abc ', '>'], stopped: true });
  });

  it('passes on what only looked like one', () => {
    expect(hear(['STOP'], 'final', ['ST', 'ONE'])).toEqual({ heard: ['<', 'STONE', '>'], stopped: false });
    expect(hear(['STOP'], 'final', ['the end: STO'])).toEqual({
      heard: ['<', 'the end: ', 'STO', '>'],
      stopped: false,
    });
  });

  it('takes the earliest of several', () => {
    expect(hear(['x', 'b'], 'final', ['abcx']).heard).toEqual(['<', 'a', '>']);
  });

  it('ends an answer that begins with one as an empty answer', () => {
    expect(hear(['a'], 'final', ['abc']).heard).toEqual(['<', '>']);
  });

  it('leaves reasoning and calls alone', () => {
    expect(hear(['a'], 'analysis', ['abc'])).toEqual({ heard: ['<', 'abc', '>'], stopped: false });
  });

  it('finds every cut of a stop string in a text', () => {
    const text = 'one ### two';
    for (let cut = 0; cut <= text.length; cut++) {
      const { heard } = hear(['###'], 'final', [text.slice(0, cut), text.slice(cut)]);
      expect(heard.join('')).toBe('<one >');
    }
  });
});
