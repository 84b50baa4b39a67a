import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { processesNaming, replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';

/** Far above what a stop takes, far below the 30 s for which it lets answers go on. */
const PROMPT_MS = 10_000;

let chorus: RunningChorus | null = null;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  if (chorus?.process.exitCode === null) chorus.process.kill('SIGKILL');
  chorus = null;
});

async function serving(): Promise<RunningChorus> {
  chorus = await startChorus(['--engine', 'simulated', '--replicas', '1']);
  await replicasReady(chorus, 1, 30_000);
  return chorus;
}

/** A connection that has sent `text` and keeps silent from then on. */
async function openConnection({ url }: RunningChorus, text: string): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  if (text !== '') await new Promise((resolve) => socket.write(text, resolve));
}

/** The exit code of a stop, or `late`. */
const withinMoments = (exit: Promise<number | null>): Promise<number | null | 'late'> =>
  Promise.race([exit, sleep(PROMPT_MS, 'late' as const, { ref: false })]);

const HEAD = 'POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';

describe('SIGTERM', () => {
  it('ends Chorus although clients keep connections open: idle, in a head, in a body', async () => {
    const running = await serving();
    await openConnection(running, '');
    await openConnection(running, HEAD);
    await openConnection(running, `${HEAD}content-length: 100\r\n\r\n{"input"`);
    expect(await withinMoments(running.stop())).toBe(0);
    expect(processesNaming(running.stateDir)).toEqual([]);
  });
});

describe('a second SIGTERM', () => {
  it('cuts answers that would go on, and leaves no process', async () => {
    const running = await serving();
    const body = JSON.stringify({ stream: true, input: 'Tell me a long story.' });
    await openConnection(running, `${HEAD}content-length: ${body.length}\r\n\r\n${body}`);
    sockets[0]?.pause();
    running.process.kill('SIGTERM');
    await eventually('the stop', 5000, () => (running.output().includes('Stopping:') ? true : null));
    await sleep(600); // signals closer together count as one
    expect(await withinMoments(running.stop())).toBe(0);
    expect(processesNaming(running.stateDir)).toEqual([]);
  });
});
