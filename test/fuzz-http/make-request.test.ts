import { describe, expect, it } from 'vitest';
import { makeRequest } from '../../scripts/fuzz-http/make-request.ts';
import { spell } from '../../scripts/fuzz-http/mutate.ts';
import { ProblemList } from '../../scripts/fuzz-http/problem-list.ts';
import { validBody } from '../../scripts/fuzz-http/valid-body.ts';
import { Random } from '../../scripts/harmony/random.ts';

const requests = (seed: number): string[] =>
  Array.from({ length: 300 }, (_, index) => makeRequest(new Random(seed + index)).bytes.toString('latin1'));

describe('generated requests', () => {
  it('are the same for the same seed and others for another', () => {
    expect(requests(7)).toEqual(requests(7));
    expect(new Set([...requests(7), ...requests(10_000)]).size).toBeGreaterThan(500);
  });

  it('hold what breaks servers', () => {
    const all = requests(1).join('');
    for (const text of [
      '"__proto__"',
      '\\ud800',
      '1e+308',
      '{"a":{"a":',
      'transfer-encoding: chunked',
      'GET /',
      ':null',
    ]) {
      expect(all).toContain(text);
    }
  });

  it('are mostly for bodies that begin as valid ones', () => {
    const random = new Random(1);
    const body = validBody(random);
    expect(JSON.parse(spell(new Random(3), body).toString())).toEqual(body);
  });
});

describe('a list of problems', () => {
  it('keeps the shortest request of each kind', () => {
    const list = new ProblemList();
    list.add('unexplained 500', 'case 1', Buffer.from('a long request'));
    list.add('unexplained 500', 'case 2', Buffer.from('short'));
    list.add('unexplained 500', 'case 3', Buffer.from('another long request'));
    list.add('no answer', 'case 4', Buffer.from(`x${'ab'.repeat(500)}`));
    expect(list.size).toBe(2);
    expect(list.lines()).toEqual(['3 x unexplained 500\n  case 2: "short"', '1 x no answer\n  case 4: "xabab…"']);
  });
});
