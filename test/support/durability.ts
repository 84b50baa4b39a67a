import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { newStateDir, replicasReady, startChorus, type RunningChorus } from './chorus-process.ts';
import { eventually } from './eventually.ts';
import { getJson, postResponse, streamResponse } from './responses-client.ts';

/** What a client was told, and what was there after the death and the next start. */
export interface DurabilityResult {
  readonly announced: number;
  readonly found: number;
}

const FLAGS = ['--engine', 'simulated', '--replicas', '2'];
const CLIENTS = 8;
const READY_TIMEOUT_MS = 30_000;
const LOAD_TIMEOUT_MS = 60_000;

/**
 * Puts load on Chorus, kills it with SIGKILL at a moment that `seed` chooses once `atLeast` responses were announced,
 * starts it again on the same state directory, and asks for every response whose end a client saw.
 */
export async function killUnderLoad(seed: number, atLeast: number): Promise<DurabilityResult> {
  const stateDir = newStateDir();
  try {
    const announced = await loadUntilKilled(await startChorus(FLAGS, stateDir), seed, atLeast);
    const again = await startChorus(FLAGS, stateDir);
    const answers = await Promise.all(announced.map((id) => getJson(`${again.url}/v1/responses/${id}`)));
    await again.stop();
    return { announced: announced.length, found: answers.filter(({ status }) => status === 200).length };
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function loadUntilKilled(chorus: RunningChorus, seed: number, atLeast: number): Promise<string[]> {
  const { pid } = await replicasReady(chorus, 2, READY_TIMEOUT_MS);
  const announced: string[] = [];
  const killed = new AbortController();
  const client = async (number: number): Promise<void> => {
    while (!killed.signal.aborted) {
      const body = { input: `Say OK. ${number}` };
      const answer = number % 2 === 0 ? streamed(chorus.url, body) : whole(chorus.url, body);
      // A client whose connection broke was told nothing.
      const id = await answer.catch(() => null);
      if (id !== null) announced.push(id);
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, number) => client(number));
  const enough = (): true | null => (announced.length >= atLeast ? true : null);
  await eventually(`${atLeast} announced responses`, LOAD_TIMEOUT_MS, enough);
  await sleep((seed * 37) % 100);
  process.kill(pid, 'SIGKILL');
  killed.abort();
  await once(chorus.process, 'exit');
  await Promise.all(clients);
  return announced;
}

const streamed = async (url: string, body: object): Promise<string> => (await streamResponse(url, body)).response.id;
const whole = async (url: string, body: object): Promise<string> => (await postResponse(url, body)).body.id;
