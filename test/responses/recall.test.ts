import { expect, it } from 'vitest';
import { KiB, MiB } from '../../src/domain/units.ts';
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

/** A store of five turns that took 14 MiB each, of which the model reads a few bytes. */
async function setUpLarge(): Promise<(asked: Asked) => Promise<Recalled>> {
  const store = await openStore();
  const image = { type: 'input_image', image_url: `data:image/png;base64,${'A'.repeat(14 * MiB - KiB)}` };
  for (const number of [1, 2, 3, 4, 5]) {
    const id = `image${number}`;
    const json = JSON.stringify({ id, type: 'message', role: 'user', content: [image] });
    const previousResponseId = number === 1 ? null : `r${number - 1}`;
    await store.put(response(`r${number}`, { previousResponseId, newInput: [{ id, json, tokenIds: null }] }));
  }
  return (asked) => recall(store, 'default', asked, () => null);
}

it('recalls up to 64 MiB of a conversation, images included, and refuses more with what to do', async () => {
  const recallOf = await setUpLarge();
  expect((await recallOf({ previous_response_id: 'r4' })).context.length).toBe(4);
  await expect(recallOf({ previous_response_id: 'r5' })).rejects.toMatchObject({
    errorName: 'invalid_previous_response',
    param: 'previous_response_id',
    message:
      'What previous_response_id names is too large. It takes more than the 64 MiB that are read at once. ' +
      'Begin anew with what still matters, without old images and files: the model reads text only.',
  });
});

it('refuses references to more than 64 MiB', async () => {
  const recallOf = await setUpLarge();
  const input = [1, 2, 3, 4, 5].map((number) => ({ type: 'item_reference', id: `image${number}` }));
  await expect(recallOf({ input })).rejects.toMatchObject({ errorName: 'invalid_value', param: 'input' });
  const { referenced } = await recallOf({ input: input.slice(1) });
  expect(referenced('image5')).toMatchObject({ text: expect.stringContaining('image') });
});
