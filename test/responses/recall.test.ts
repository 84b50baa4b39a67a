import { expect, it } from 'vitest';
import type { CreateResponseBody } from '../../src/protocol/responses.ts';
import { recall, type Recalled } from '../../src/responses/recall.ts';
import { item, openStore, response } from '../support/store-bench.ts';

type Asked = Pick<CreateResponseBody, 'input' | 'previous_response_id'>;

const message = (id: string, text: string) => ({
  ...item(id, ''),
  json: JSON.stringify({ id, type: 'message', role: 'user', content: text }),
});

/** What requests recall of a store that holds `first`, a response to the two items `one` and `two`. */
async function setUp(): Promise<(asked: Asked) => Promise<Recalled>> {
  const store = await openStore();
  await store.put(response('first', { newInput: [message('one', 'first text'), message('two', 'second text')] }));
  return (asked) => recall(store, 'default', asked, () => null);
}

it('lends each stored item once to an input: the place where it comes again is refused', async () => {
  const recallOf = await setUp();
  const input = [{ id: 'one' }, { type: 'item_reference', id: 'two' }, { type: 'item_reference', id: 'one' }];
  await expect(recallOf({ input })).rejects.toMatchObject({
    errorName: 'invalid_value',
    param: 'input[2]',
    message: expect.stringContaining('send its text itself'),
  });
  const { referenced } = await recallOf({ input: input.slice(0, 2) });
  expect(['one', 'two'].map((id) => referenced(id))).toMatchObject([{ text: 'first text' }, { text: 'second text' }]);
});

it('lends an item also to an input behind a response that has it in its context', async () => {
  const recallOf = await setUp();
  const { context, referenced } = await recallOf({ previous_response_id: 'first', input: [{ id: 'one' }] });
  expect(context.map(({ id }) => id)).toEqual(['one', 'two']);
  expect(referenced('one')).toMatchObject({ text: 'first text' });
});
