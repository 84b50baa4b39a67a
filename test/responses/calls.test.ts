import { describe, expect, it } from 'vitest';
import { checkCalls } from '../../src/responses/calls.ts';

const call = (callId: string) => ({ kind: 'call', callId, name: 'f', arguments: '{}' }) as const;
const output = (callId: string) => ({ kind: 'call_output', callId, output: '' }) as const;

describe('checkCalls', () => {
  it('takes calls that are all answered, in any order', () => {
    expect(() => checkCalls([call('a'), call('b'), output('b'), output('a')])).not.toThrow();
  });

  it.each([
    ['an output without its call', [output('a')], 'No tool call found for function call output with call_id a.'],
    [
      'an output before its call',
      [output('a'), call('a')],
      'No tool call found for function call output with call_id a.',
    ],
    ['a call that nobody answered', [call('a'), call('b'), output('a')], 'No tool output found for function call b.'],
    ['two calls of one id', [call('a'), call('a'), output('a')], 'There are two function calls with call_id a.'],
  ])('refuses %s', (_title, items, message) => {
    expect(() => checkCalls(items)).toThrow(message);
  });
});
