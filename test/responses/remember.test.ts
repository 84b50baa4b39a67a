import { expect, it } from 'vitest';
import { emptyResponse } from '../../src/responses/empty-response.ts';
import { readInput, type InputItem } from '../../src/responses/input.ts';
import { recall } from '../../src/responses/recall.ts';
import { remember, type TurnRecord } from '../../src/responses/remember.ts';
import type { OutputText, ResponseObject } from '../../src/protocol/responses.ts';
import { bytesIn, NOW_MS, openStore, storeDirectory, usageRow } from '../support/store-bench.ts';

const unseal = (): null => null;

const user = (text: string): InputItem[] => readInput(text, { nowMs: NOW_MS, unseal, referenced: () => null });

function completed(id: string, previous: string | null, text: string): ResponseObject {
  const body = { model: 'gpt-oss-20b', ...(previous === null ? {} : { previous_response_id: previous }) };
  const response = emptyResponse(body, {
    id,
    model: 'gpt-oss-20b',
    effort: 'medium',
    temperature: 1,
    nowMs: NOW_MS,
    format: { type: 'text' },
    tools: [],
    expiresAtMs: NOW_MS + 60_000,
  });
  const content: OutputText[] = [{ type: 'output_text', text, annotations: [], logprobs: [] }];
  response.output = [
    { id: `msg_${id}`, type: 'message', role: 'assistant', status: 'completed', phase: 'final_answer', content },
  ];
  response.status = 'completed';
  return response;
}

const record = (given: Partial<TurnRecord>): TurnRecord => ({
  project: 'default',
  context: [],
  newInput: [],
  rootDate: '2026-03-01',
  outputTokenIds: new Map(),
  expiresAtMs: NOW_MS + 60_000,
  usage: usageRow(),
  ...given,
});

it('is kept until the moment that it is told', async () => {
  const store = await openStore();
  await remember(store, completed('resp_1', null, 'hello'), record({}));
  expect(await store.contents()).toMatchObject({ responses: 1, nextExpiryMs: NOW_MS + 60_000 });
});

it('a response whose parent is deleted meanwhile is stored whole, and the text goes with it', async () => {
  const directory = storeDirectory();
  const store = await openStore({ directory });
  const outputTokenIds = new Map([['msg_resp_1', [200_005, 7]]]);
  await remember(
    store,
    completed('resp_1', null, 'first answer'),
    record({ newInput: user('first question'), outputTokenIds }),
  );
  const body = { input: 'x', previous_response_id: 'resp_1' };
  const { context } = await recall(store, 'default', body, unseal);
  const before = await store.context('default', 'resp_1');
  await store.delete('default', 'resp_1');
  expect(bytesIn(directory)).not.toContain('first question');
  const second = completed('resp_2', 'resp_1', 'second answer');
  await remember(store, second, record({ context, newInput: user('second question') }));
  const after = await store.context('default', 'resp_2');
  expect(after?.items.slice(0, 2)).toEqual(before?.items);
  expect(after?.items.map(({ json }) => /(first|second) (question|answer)/.exec(json)?.[0])).toEqual([
    'first question',
    'first answer',
    'second question',
    'second answer',
  ]);
  expect(JSON.parse((await store.get('default', 'resp_2'))?.json ?? '')).toMatchObject({
    previous_response_id: 'resp_1',
  });
  expect(await store.get('default', 'resp_1')).toBeNull();
  await store.delete('default', 'resp_2');
  expect(bytesIn(directory)).not.toMatch(/(first|second) (question|answer)/);
});
