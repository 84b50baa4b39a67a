import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { engineCounters } from '../support/engine-metrics.ts';
import { eventually } from '../support/eventually.ts';
import { postResponse } from '../support/responses-client.ts';

const CLIENTS = 20;

let chorus: RunningChorus;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await chorus.stop();
});

/** A client in the middle of a story. */
async function listen(stream: boolean): Promise<Socket> {
  const socket = connect(Number(new URL(chorus.url).port), '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  const body = JSON.stringify({ model: 'gpt-oss-20b', stream, input: 'Tell me a long story.' });
  socket.write(
    `POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  if (stream) await once(socket, 'data');
  return socket;
}

it('clients that leave in mid-answer end the work of their engines, and leave nothing in flight', async () => {
  // A story at this pace takes more than a minute.
  const pace = ['--engine-arg=--sim-token-interval-ms', '--engine-arg=200'];
  chorus = await startChorus(['--engine', 'simulated', '--replicas', '2', ...pace]);
  await replicasReady(chorus, 2, 30_000);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, number) => listen(number % 2 === 0)));
  const running = async () => (await engineCounters(await chorus.status())).running;
  await eventually('all of them at work', 10_000, async () => ((await running()) === CLIENTS ? true : null));
  for (const [number, client] of clients.entries()) {
    if (number % 4 < 2) client.destroy();
    else client.resetAndDestroy();
  }
  await eventually('the end of their work', 10_000, async () => ((await running()) === 0 ? true : null));
  const { engines } = await chorus.status();
  expect(engines.map(({ inFlight }) => inFlight)).toEqual([0, 0]);
  expect((await postResponse(chorus.url, { input: 'Say OK.' })).body.output_text).toBe('OK');
}, 60_000);
