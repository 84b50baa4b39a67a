import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import type { StoreError } from '../../src/store/response-store.ts';
import { WorkerLink } from '../../src/store/worker-link.ts';

const NO_WRITES = { text: '[]', bodies: new Uint8Array() };

it.for([
  ['fails', 'throw new Error("a bug")', "The store's thread failed (a bug)."],
  ['ends', 'process.exit(0)', "The store's thread has ended."],
])('calls fail, running and later ones, when the thread %s', async ([, how, message]) => {
  const worker = new Worker(`require('node:worker_threads').parentPort.once('message', () => { ${how} })`, {
    eval: true,
  });
  const link = new WorkerLink(worker);
  const calls = [link.call('items', { project: 'p', ids: [], nowMs: 0 }), link.call('write', NO_WRITES)];
  const errors = await Promise.all(calls.map((call) => call.catch((error: StoreError) => error)));
  const later = await link.call('write', NO_WRITES).catch((error: StoreError) => error);
  for (const error of [...errors, later]) expect(error).toMatchObject({ code: 'failed', message });
  await link.whenEnded();
});
