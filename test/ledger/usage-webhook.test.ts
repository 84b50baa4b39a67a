import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import { expect, it, onTestFinished } from 'vitest';
import { UsageWebhook } from '../../src/ledger/usage-webhook.ts';
import type { WebhookTarget } from '../../src/ledger/webhook-post.ts';
import type { ResponseStore } from '../../src/store/response-store.ts';
import { systemClock } from '../../src/system/clock.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { openStore, seededRandom, storeDirectory, usageRow } from '../support/store-bench.ts';
import { startReceiver, type Answer } from '../support/webhook-receiver.ts';

const DEADLINE_MS = 20_000;
const idsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `r${index}`);

async function fill(store: ResponseStore, count: number, from = 0): Promise<void> {
  await Promise.all(idsOf(count).map((_, index) => store.usage.add(usageRow({ id: `r${from + index}` }))));
}

interface Setting {
  readonly store: ResponseStore;
  readonly target: () => WebhookTarget | null;
}

/** A running webhook whose waits pass when `advance` is called; `random` is 1: the longest waits. */
function startWebhook({ store, target }: Setting) {
  const clock = new FakeClock(systemClock.nowMs());
  const problems: string[] = [];
  const webhook = new UsageWebhook({
    clock,
    random: () => 1,
    ledger: store.usage,
    readDelivered: async () => (await store.contents()).usage.deliveredPosition,
    target,
    onFailure: (reason) => void problems.push(reason),
  });
  webhook.start();
  onTestFinished(() => webhook.stop());
  /** Lets time pass until something is so: in steps of which an answer may take many. */
  const passUntil = (what: string, isSo: () => boolean | Promise<boolean>): Promise<true> =>
    eventually(what, DEADLINE_MS, async () => {
      if (await isSo()) return true;
      clock.advance(500);
      return null;
    });
  return { webhook, clock, problems, passUntil };
}

const undelivered = async (store: ResponseStore): Promise<number> => (await store.contents()).usage.undeliveredRows;

it('posts every row once and in order to a receiver that is well, over restarts too', async () => {
  const directory = storeDirectory();
  const receiver = await startReceiver();
  const target = (): WebhookTarget => ({ url: receiver.url, secretFile: null });
  for (const round of [0, 1, 2]) {
    const store = await openStore({ directory });
    await fill(store, 450, 450 * round);
    const { webhook, passUntil } = startWebhook({ store, target });
    await passUntil('the delivery', async () => (await undelivered(store)) === 0);
    await webhook.stop();
    await store.close();
  }
  expect(receiver.taken()).toEqual(idsOf(1350));
  expect(receiver.posts.length).toBeLessThan(12);
  expect(receiver.posts[0]?.rows[0]).toMatchObject({ position: 1, id: 'r0', input_tokens: 100, simulated: true });
});

it.each([1, 2])('loses nothing to a receiver that fails in every way (seed %i)', async (seed) => {
  const random = seededRandom(seed);
  const failures: readonly Answer[] = [500, 404, 302, 'cut', 'hang'];
  const receiver = await startReceiver((number) =>
    random() < 0.5 ? 200 : (failures[number % failures.length] ?? 500),
  );
  const store = await openStore();
  const { webhook, problems, passUntil } = startWebhook({
    store,
    target: () => ({ url: receiver.url, secretFile: null }),
  });
  for (let from = 0; from < 1000; from += 100) {
    await fill(store, 100, from);
    await passUntil('a post', () => receiver.posts.length > from / 100);
  }
  await passUntil('the delivery', async () => (await undelivered(store)) === 0);
  expect([...new Set(receiver.taken())]).toEqual(idsOf(1000));
  expect(problems.length).toBeGreaterThanOrEqual(receiver.posts.filter(({ taken }) => !taken).length);
  expect(webhook.status).toEqual({ problem: null, failures: 0, nextAttemptMs: null });
});

it('repeats a batch as it is, with waits that double up to five minutes', async () => {
  const receiver = await startReceiver((number) => (number < 11 ? 503 : 200));
  const store = await openStore();
  await fill(store, 2);
  const { webhook, clock, problems, passUntil } = startWebhook({
    store,
    target: () => ({ url: receiver.url, secretFile: null }),
  });
  const waits: number[] = [];
  for (let failures = 1; failures <= 11; failures++) {
    await eventually('a failure', DEADLINE_MS, () => (problems.length === failures ? true : null));
    const waitMs = (webhook.status?.nextAttemptMs ?? 0) - clock.nowMs();
    waits.push(waitMs / 1000);
    if (failures === 1) await fill(store, 3, 2);
    clock.advance(waitMs);
  }
  await passUntil('the delivery', async () => (await undelivered(store)) === 0);
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  expect(problems[0]).toBe('it answered 503');
  const [first, ...others] = receiver.posts;
  for (const repeated of others.slice(0, 11)) {
    expect(repeated.body).toBe(first?.body);
    expect(repeated.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
  }
  expect(receiver.posts[12]?.headers['idempotency-key']).not.toBe(first?.headers['idempotency-key']);
  expect(receiver.taken()).toEqual(idsOf(5));
});

it('signs what it posts so that a client of OpenAI can check it', async () => {
  const receiver = await startReceiver();
  const secretFile = join(storeDirectory(), 'secret');
  writeFileSync(secretFile, 'whsec_bm90IGEgc2VjcmV0IGF0IGFsbA==\n');
  const store = await openStore();
  await fill(store, 1);
  const { passUntil } = startWebhook({ store, target: () => ({ url: receiver.url, secretFile }) });
  await passUntil('the delivery', () => receiver.posts.length > 0);
  const { body = '', headers = {} } = receiver.posts[0] ?? {};
  const { webhooks } = new OpenAI({ apiKey: 'none' });
  const told = headers as Record<string, string>;
  await webhooks.verifySignature(body, told, 'whsec_bm90IGEgc2VjcmV0IGF0IGFsbA==');
  await expect(webhooks.verifySignature(`${body} `, told, 'whsec_bm90IGEgc2VjcmV0IGF0IGFsbA==')).rejects.toThrow();
  await expect(webhooks.verifySignature(body, told, 'another')).rejects.toThrow();
});

it('posts nothing without the secret that it is to be signed with', async () => {
  const receiver = await startReceiver();
  const secretFile = join(storeDirectory(), 'secret');
  const store = await openStore();
  await fill(store, 1);
  const { webhook, passUntil } = startWebhook({ store, target: () => ({ url: receiver.url, secretFile }) });
  await passUntil('the problem', () => (webhook.status?.failures ?? 0) > 1);
  expect(webhook.status?.problem).toBe(`its secret is missing: there is no ${secretFile}`);
  expect(receiver.posts).toEqual([]);
  writeFileSync(secretFile, 'plain words are a secret too'.replaceAll(' ', '-'));
  await passUntil('the delivery', () => receiver.taken().length === 1);
});

it('begins when there is a receiver to post to, with what is there', async () => {
  const receiver = await startReceiver();
  const store = await openStore();
  let target: WebhookTarget | null = null;
  await fill(store, 3);
  const { webhook, clock, passUntil } = startWebhook({ store, target: () => target });
  clock.advance(60_000);
  expect([webhook.status, receiver.posts.length]).toEqual([null, 0]);
  target = { url: receiver.url, secretFile: null };
  await passUntil('the delivery', () => receiver.taken().length === 3);
});

it('waits for nobody when it is stopped, and nobody waits for it', async () => {
  const receiver = await startReceiver(() => 'hang');
  const store = await openStore();
  await fill(store, 1);
  const { webhook, passUntil } = startWebhook({ store, target: () => ({ url: receiver.url, secretFile: null }) });
  await passUntil('a post', () => receiver.posts.length > 0);
  await fill(store, 50, 1);
  await webhook.stop();
  expect(await undelivered(store)).toBe(51);
});
