import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import {
  killProcessesNaming,
  processesNaming,
  replicasReady,
  startChorus,
  type RunningChorus,
} from '../support/chorus-process.ts';

/** Far above what a stop takes, far below the 30 s for which it lets answers go on. */
const PROMPT_MS = 10_000;

let chorus: RunningChorus | null = null;
const sockets: Socket[] = [];

/** What a failed stop left goes too: nothing else ends the engines of a Chorus that hangs. */
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  if (chorus === null) return;
  killProcessesNaming(chorus.stateDir);
  rmSync(chorus.stateDir, { recursive: true, force: true });
  chorus = null;
});

async function serving(): Promise<RunningChorus> {
  chorus = await startChorus(['--engine', 'simulated', '--replicas', '1']);
  await replicasReady(chorus, 1, 30_000);
  return chorus;
}

/** A connection that has sent `text` and keeps silent from then on. */
async function openConnection({ url }: RunningChorus, text: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  if (text !== '') await new Promise((resolve) => socket.write(text, resolve));
  return socket;
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
  it('ends an engine that hangs in the middle of an answer, and leaves no process', async () => {
    const running = await serving();
    const { engines } = await running.status();
    const body = JSON.stringify({ model: 'gpt-oss-20b', stream: true, input: 'Tell me a long story.' });
    const socket = await openConnection(running, `${HEAD}content-length: ${body.length}\r\n\r\n${body}`);
    let answer = '';
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString()));
    const closed = once(socket, 'close');
    await eventually('its first words', 5000, () => (answer.includes('output_text.delta') ? true : null));
    process.kill(engines[0]?.pid ?? expect.fail('no engine'), 'SIGSTOP');
    running.process.kill('SIGTERM');
    await eventually('the stop', 5000, () => (running.output().includes('Stopping:') ? true : null));
    await sleep(500); // what comes within half a second counts as the same signal
    expect(await withinMoments(running.stop())).toBe(0);
    await closed;
    expect(answer).not.toContain('event: response.completed');
    expect(running.output()).toContain('Ending everything now.');
    expect(processesNaming(running.stateDir)).toEqual([]);
  });
});
