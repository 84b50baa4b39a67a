/**
 * `npm run fuzz:http -- --bodies 2000 --seed 1`: generated requests, whole and broken, and clients that go away at any
 * point, against Chorus on the simulator, twice. Every answer must be a well-formed response or stream, or an error in
 * OpenAI's shape; afterwards nothing may be in flight, and memory and descriptors must be where they were.
 */
import { parseArgs } from 'node:util';
import { formatBytes, MiB } from '../src/domain/units.ts';
import { replicasReady, startChorus, type RunningChorus } from '../test/support/chorus-process.ts';
import { postResponse } from '../test/support/responses-client.ts';
import { BREAKAGES } from './fuzz-http/broken-sockets.ts';
import { DEBUGGABLE, openCollector } from './fuzz-http/collect-garbage.ts';
import { exchange } from './fuzz-http/exchange.ts';
import { exchangeProblems } from './fuzz-http/judge.ts';
import { makeRequest } from './fuzz-http/make-request.ts';
import { ProblemList } from './fuzz-http/problem-list.ts';
import { openDescriptors, settled, type Resting } from './fuzz-http/resting.ts';
import { Random } from './harmony/random.ts';

const CONCURRENCY = 12;
const MAX_GROWTH = 1.15;
const SPARE_BYTES = 48 * MiB;
/** After bodies of megabytes the allocator keeps now more and now less; what leaks is there after every later round. */
const ROUNDS = [1, 2, 3, 4];

const statuses = new Map<string, number>();
const problems = new ProblemList();

/** Runs cases `0` to `count - 1`, a few at a time. Each has a source of choices of its own, so that it can run alone. */
async function runCases(port: number, seed: number, indices: readonly number[]): Promise<void> {
  const waiting = [...indices];
  const work = async (): Promise<void> => {
    for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) await runCase(port, seed, index);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
}

async function runCase(port: number, seed: number, index: number): Promise<void> {
  const request = makeRequest(new Random(seed * 1_000_003 + index));
  const result = await exchange(port, request);
  for (const { status } of result.answers) count(String(status));
  if (result.answers.length < request.methods.length) count('none');
  const found = exchangeProblems(request, result);
  if (found.length > 0) problems.add(found.join('; '), `case ${index}`, request.bytes);
}

async function breakSockets(port: number, seed: number, times: number): Promise<void> {
  for (const [name, breakage] of Object.entries(BREAKAGES)) {
    const random = new Random(seed);
    const runs = Array.from({ length: times }, () => breakage(port, random));
    const failed = (await Promise.allSettled(runs)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected')
      problems.add(`a client that ${name}: ${String(failed.reason)}`, 'broken sockets');
  }
}

const count = (status: string): void => void statuses.set(status, (statuses.get(status) ?? 0) + 1);

async function runRounds(chorus: RunningChorus, seed: number, bodies: number): Promise<void> {
  const port = Number(new URL(chorus.url).port);
  const { pid } = await chorus.status();
  const collector = await openCollector(chorus, pid);
  await runCases(port, seed, [0]);
  const descriptorsBefore = openDescriptors(pid);
  const rests: Resting[] = [];
  for (const round of ROUNDS) {
    await runCases(port, seed, [...Array(bodies).keys()]);
    await breakSockets(port, seed, Math.ceil(bodies / 100));
    const rest = await settled({ chorus, pid, collector }, descriptorsBefore);
    rests.push(rest);
    console.log(
      `round ${round}: ${rest.inFlight} in flight after ${Math.round(rest.idleAfterMs)} ms, ${formatBytes(rest.residentBytes)}, ` +
        `${rest.descriptors} descriptors (${descriptorsBefore} before)`,
    );
    if (rest.inFlight > 0) problems.add(`${rest.inFlight} requests stay in flight`, `round ${round}`);
    if (rest.descriptors > descriptorsBefore)
      problems.add(`${rest.descriptors} descriptors stay open`, `round ${round}`);
  }
  collector.close();
  const [first = 0, ...later] = rests.map(({ residentBytes }) => residentBytes);
  if (Math.min(...later) > first * MAX_GROWTH + SPARE_BYTES) problems.add('memory grows from round to round', 'memory');
}

async function stillAnswers({ url }: RunningChorus): Promise<void> {
  const { status, body } = await postResponse(url, { input: 'Say OK.' });
  if (body.output_text !== 'OK') problems.add(`the server says ${status} ${JSON.stringify(body)}`, 'afterwards');
}

function wholeNumber(name: string, value: string): number {
  if (!/^\d{1,6}$/.test(value)) throw new Error(`--${name}: '${value}' is not a whole number of at most six digits.`);
  return Number(value);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      bodies: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '1' },
      case: { type: 'string' },
    },
  });
  const seed = wholeNumber('seed', values.seed);
  process.env['NODE_OPTIONS'] = DEBUGGABLE;
  const chorus = await startChorus(['--engine', 'simulated', '--replicas', '2']);
  try {
    await replicasReady(chorus, 2, 30_000);
    if (values.case !== undefined) {
      await runCases(Number(new URL(chorus.url).port), seed, [wholeNumber('case', values.case)]);
    } else await runRounds(chorus, seed, wholeNumber('bodies', values.bodies));
    await stillAnswers(chorus);
  } finally {
    await chorus.stop();
  }
  const byStatus = [...statuses].map(([status, times]) => `${status}: ${times}`).toSorted((a, b) => a.localeCompare(b));
  console.log(`answers by status: ${byStatus.join(', ')}`);
  for (const line of problems.lines()) console.error(line);
  console.log(problems.size === 0 ? 'no problems' : `${problems.size} kinds of problems`);
  if (problems.size > 0) process.exitCode = 1;
}

try {
  await main();
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 1;
}
