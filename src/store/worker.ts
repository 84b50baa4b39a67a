import { rmSync, writeFileSync } from 'node:fs';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from './database.ts';
import { ListedFile } from './listed-file.ts';
import type { StoreCallKind, StoreCalls, StoreGreeting, StoreReply, StoreRequest, WorkerOptions } from './messages.ts';
import { databaseProblem } from './opening-problem.ts';
import { readContext, readInputItems, readItems, readResponse } from './read-store.ts';
import { toStoreFailure } from './sqlite-failure.ts';
import { StoreFile } from './store-file.ts';
import { unpackGroup } from './write-group.ts';

/** The store's thread, the only one that runs SQLite: one request after another, in the order in which they come. */
function serve(port: MessagePort, { databaseFile, ownerFile, maxFileBytes }: WorkerOptions): void {
  const greet = (greeting: StoreGreeting): void => port.postMessage(greeting);
  try {
    const file = new StoreFile(openDatabase(databaseFile, maxFileBytes), new ListedFile(databaseFile));
    writeOwner(ownerFile);
    port.on('message', (request: StoreRequest) => {
      const reply = replyTo(file, request, ownerFile);
      port.postMessage(reply, transferable(reply));
      if (request.kind === 'close') port.close();
    });
    greet({ problem: null });
  } catch (thrown) {
    greet({ problem: databaseProblem(thrown, databaseFile, ownerFile) });
  }
}

function replyTo(file: StoreFile, request: StoreRequest, ownerFile: string): StoreReply {
  const { number } = request;
  try {
    return { number, answer: answerTo(file, request, ownerFile) };
  } catch (thrown) {
    return { number, failure: toStoreFailure(thrown) };
  }
}

function answerTo(file: StoreFile, request: StoreRequest, ownerFile: string): StoreCalls[StoreCallKind]['answer'] {
  switch (request.kind) {
    case 'write':
      return file.write(unpackGroup(request.ask));
    case 'get':
      return readResponse(file.tables, request.ask);
    case 'context':
      return readContext(file.tables, request.ask);
    case 'inputItems':
      return readInputItems(file.tables, request.ask);
    case 'items':
      return readItems(file.tables, request.ask);
    case 'usageRecords':
      return file.tables.usage.lookForRecords(request.ask.look, request.ask.limit);
    case 'usageParts':
      return file.tables.usage.lookForParts(request.ask);
    case 'contents':
      return file.contents();
    case 'close':
      rmSync(ownerFile, { force: true });
      file.close();
      return null;
  }
}

/** Packed items change threads without a copy. */
function transferable(reply: StoreReply): ArrayBuffer[] {
  if (!('answer' in reply) || reply.answer === null || typeof reply.answer === 'string') return [];
  if (reply.answer instanceof Uint8Array) return [reply.answer.buffer];
  return 'items' in reply.answer ? [reply.answer.items.buffer] : [];
}

/** A courtesy for whoever finds the store taken: it is worth no refusal. */
function writeOwner(ownerFile: string): void {
  try {
    writeFileSync(ownerFile, `${process.pid}\n`, { mode: 0o600 });
  } catch {
    // the disk is full
  }
}

if (parentPort !== null) serve(parentPort, workerData as WorkerOptions);
