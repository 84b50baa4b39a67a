import { rmSync } from 'node:fs';
import { request } from 'undici';
import { sleep } from '../../src/domain/clock.ts';
import { systemClock } from '../../src/system/clock.ts';
import { formatBytes } from '../../src/domain/units.ts';
import { newStateDir, killProcessesNaming, processesNaming } from '../../test/support/chorus-process.ts';
import { eventually } from '../../test/support/eventually.ts';
import { quantile } from '../bench/statistics.ts';
import { Random } from '../harmony/random.ts';
import { Clients } from './clients.ts';
import { nextHazard } from './hazards.ts';
import { PromiseBook, type Verdict } from './promises.ts';
import { Service } from './service.ts';
import { mountSmallDisk } from './small-disk.ts';
import { Watch } from './watch.ts';

export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly replicas: number;
  readonly print: (line: string) => void;
}

const MINUTE_MS = 60_000;
const PAUSE_MS = { least: 1000, most: 5000 };
const END_DEADLINE_MS = 30_000;

/**
 * Puts load on Chorus and does bad things to it, to its engines and to its disk: its own deaths come in the first third,
 * so that its memory can be watched over the rest, and once more at the end, before everything announced is asked for.
 */
export async function runChaos(options: ChaosOptions): Promise<Verdict[]> {
  const stateDir = newStateDir();
  const hasSmallDisk = mountSmallDisk(stateDir);
  if (!hasSmallDisk) options.print('The disk is never filled: the state directory cannot have one of its own here.');
  const service = await Service.start({ stateDir, replicas: options.replicas, hasSmallDisk });
  try {
    return await new Run(service, options).toEnd();
  } finally {
    await service.stop();
    killProcessesNaming(stateDir);
    if (!hasSmallDisk) rmSync(stateDir, { recursive: true, force: true });
  }
}

/** One run: the load, the hazards, and what is written down of them. */
class Run {
  readonly #service: Service;
  readonly #options: ChaosOptions;
  readonly #random: Random;
  readonly #book = new PromiseBook();
  readonly #clients: Clients;
  readonly #watch: Watch;
  readonly #hazards: { readonly name: string; readonly atMs: number }[] = [];
  readonly #startMs = systemClock.monotonicMs();
  #minute = 0;

  constructor(service: Service, options: ChaosOptions) {
    this.#service = service;
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#clients = new Clients(service, this.#book, new Random(options.seed + 1));
    this.#watch = new Watch(service);
  }

  async toEnd(): Promise<Verdict[]> {
    const { minutes, print } = this.#options;
    const thirdMs = (minutes * MINUTE_MS) / 3;
    await this.#hazardsUntil(this.#startMs + thirdMs / 2);
    await this.#killChorus();
    await this.#hazardsUntil(this.#startMs + thirdMs);
    this.#watch.begin();
    await this.#hazardsUntil(this.#startMs + 3 * thirdMs);
    await this.#watch.stop();
    print(await this.#watch.stalls());
    await this.#killChorus();
    await this.#clients.stop();
    await this.#findAnnounced();
    await this.#end();
    for (const line of this.#story()) print(line);
    return this.#book.verdicts(this.#watch.residentBytes);
  }

  async #hazardsUntil(endMs: number): Promise<void> {
    while (systemClock.monotonicMs() < endMs) {
      await sleep(systemClock, this.#random.between(PAUSE_MS.least, PAUSE_MS.most));
      const hazard = nextHazard(this.#random, this.#service.options.hasSmallDisk);
      this.#count(hazard.name);
      await hazard.act(this.#service, this.#random);
      this.#reportMinute();
    }
  }

  async #killChorus(): Promise<void> {
    this.#count('kill -9 of Chorus');
    const left = await this.#service.killAndRestart();
    this.#book.noteOrphans(left.map((pid) => `${pid} lived on after a restart of Chorus`));
  }

  async #findAnnounced(): Promise<void> {
    for (const id of this.#book.announced) {
      const { statusCode, body } = await request(`${this.#service.chorus.url}/v1/responses/${id}`);
      await body.dump();
      if (statusCode !== 200) this.#book.noteLost(id);
    }
  }

  /** An orderly end, after which no process may be left. */
  async #end(): Promise<void> {
    const { stateDir } = this.#service.options;
    this.#service.chorus.process.kill('SIGTERM');
    await eventually('the end of Chorus', END_DEADLINE_MS, () => this.#service.chorus.process.exitCode);
    this.#book.noteOrphans(processesNaming(stateDir));
  }

  #count(hazard: string): void {
    this.#hazards.push({ name: hazard, atMs: systemClock.monotonicMs() });
  }

  #reportMinute(): void {
    const minute = Math.floor((systemClock.monotonicMs() - this.#startMs) / MINUTE_MS);
    if (minute === this.#minute) return;
    this.#minute = minute;
    this.#options.print(`minute ${minute}: ${this.#summary()}`);
  }

  #summary(): string {
    const { completed, failed, wrong, excused, unfinished } = this.#book.counts;
    const resident = this.#watch.residentBytes.at(-1);
    const worst = Math.max(0, ...this.#watch.answerMs);
    return (
      `${completed} answers, ${failed} honest failures, ${excused} excused, ${wrong + unfinished} broken promises; ` +
      `${this.#hazards.length} hazards; ${resident === undefined ? '?' : formatBytes(resident)}, /livez within ${Math.round(worst)} ms`
    );
  }

  #story(): string[] {
    const { answerMs } = this.#watch;
    const { startMs, endMs } = this.#clients.longestOutage;
    const before = this.#hazards.filter(({ atMs }) => atMs > startMs - PAUSE_MS.most && atMs < endMs);
    return [
      `what was done: ${countEach(this.#hazards.map(({ name }) => name)).join(', ')}`,
      ...this.#book.failures.map(([reason, count]) => `${count} answers failed: ${reason}`),
      `/livez: median ${quantile(answerMs, 0.5).toFixed(1)} ms, p99 ${quantile(answerMs, 0.99).toFixed(1)} ms`,
      `nobody got an answer for ${((endMs - startMs) / 1000).toFixed(1)} s at the longest, when there came: ` +
        countEach(before.map(({ name }) => name)).join(', '),
      ...this.#book.details,
    ];
  }
}

/** How often each name occurs, the most frequent first. */
function countEach(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([name, count]) => `${count} x ${name}`);
}
