import { readFileSync } from 'node:fs';
import { formatTable } from '../../src/cli/table.ts';
import { formatBytes, formatCount } from '../../src/domain/units.ts';
import { makeAnswer } from './answer.ts';
import { compareFollowUps } from './follow-up.ts';
import { interleave, withTargets, type Samples } from './rounds.ts';
import type { Rig, Sample, Scenario, Target } from './rig.ts';
import { median, pairedRatio, quantile } from './statistics.ts';
import { residentBytes } from './usage.ts';

/** One part of the benchmark: what it is called on the command line, and its table. */
export interface Part {
  readonly name: string;
  readonly title: string;
  run(rig: Rig, windowMs: number): Promise<string>;
}

const ROUNDS = 3;
/** V8 has optimised the whole path only after some ten seconds of load. */
const WARM_UP_MS = 10_000;
/** And at a tenth of the rate after half a minute. */
const PACED_WARM_UP_MS = 30_000;
const CEILING_MS = 2000;
/** Clients that are to be independent of each other wait for up to so long between two questions. */
const MAX_PAUSE_MS = 40;
const NAMES = ['direct', 'nginx', 'chorus', 'unstored'] as const;

/** What a table counts. */
interface Unit {
  readonly name: string;
  readonly count: (sample: Sample) => number;
}

const TOKEN: Unit = { name: 'token', count: ({ tokens }) => tokens };
const ANSWER: Unit = { name: 'answer', count: ({ answers }) => answers };

const perToken: Part = {
  name: 'token',
  title: '256 streams at 50 tokens a second',
  async run(rig, windowMs) {
    const answer = makeAnswer(rig.vocabulary, 40, 160);
    const scenario: Scenario = { answer, stream: true, connections: 256, rampMs: 1000, intervalMs: 20 };
    const fastest = await rig.measure(rig.direct(), { ...scenario, intervalMs: 0 }, CEILING_MS);
    const ceiling = formatCount(fastest.tokens / fastest.seconds);
    const table = await costTable(rig, scenario, TOKEN, windowMs);
    return `${table}\nunstored is Chorus asked with store: false. The harness alone, at full speed: ${ceiling} tokens/s.`;
  },
};

const perAnswer: Part = {
  name: 'json',
  title: '64 connections, JSON answers of 150 words, one after the other',
  run(rig, windowMs) {
    const answer = makeAnswer(rig.vocabulary, 30, 120);
    return costTable(rig, { answer, stream: false, connections: 64, rampMs: 100, intervalMs: 0 }, ANSWER, windowMs);
  },
};

/** CPU time and rate of a scenario in every target, per token or per answer. */
async function costTable(rig: Rig, scenario: Scenario, unit: Unit, windowMs: number): Promise<string> {
  const direct = [await rig.measure(rig.direct(), scenario, windowMs)];
  const measured = await withTargets(rig, (targets) =>
    interleave(rig, targets, scenario, { rounds: ROUNDS, windowMs, warmUpMs: WARM_UP_MS }),
  );
  const samples = { ...measured, direct };
  const costUs = (sample: Sample): number => (sample.targetCpuMs * 1000) / unit.count(sample);
  const nginxUs = samples.nginx.map(costUs);
  const rows = measuredNames(samples).map((name) => {
    const all = samples[name];
    const ownUs = all.map(costUs);
    return [
      name,
      name === 'direct' ? '-' : median(ownUs).toFixed(1),
      name === 'direct' || nginxUs.length === 0 ? '-' : pairedRatio(ownUs, nginxUs).toFixed(2),
      formatCount(median(all.map((sample) => unit.count(sample) / sample.seconds))),
      formatCount(median(all.map((sample) => sample.bytes / unit.count(sample)))),
      ...shares(all),
    ];
  });
  const header = ['', `us/${unit.name}`, 'x nginx', `${unit.name}s/s`, `bytes/${unit.name}`, ...SHARE_HEADER];
  return formatTable(header, rows);
}

const measuredNames = (samples: Samples): Target['name'][] => NAMES.filter((name) => samples[name].length > 0);

const firstText: Part = {
  name: 'first-text',
  title: '64 clients, streams of 20 words: time from the request to the first word',
  async run(rig, windowMs) {
    const answer = makeAnswer(rig.vocabulary, 5, 15);
    const scenario: Scenario = {
      answer,
      stream: true,
      connections: 64,
      rampMs: 300,
      intervalMs: 10,
      maxPauseMs: MAX_PAUSE_MS,
    };
    const samples = await withTargets(rig, (targets) =>
      interleave(rig, [rig.direct(), ...targets], scenario, { rounds: ROUNDS, windowMs, warmUpMs: WARM_UP_MS }),
    );
    const atShare = (all: readonly Sample[], share: number): number =>
      median(all.map(({ firstTextMs }) => quantile(firstTextMs, share)));
    const rows = measuredNames(samples).map((name) => {
      const [p50, p99] = [atShare(samples[name], 0.5), atShare(samples[name], 0.99)];
      const added = [p50 - atShare(samples.direct, 0.5), p99 - atShare(samples.direct, 0.99)];
      const streams = median(samples[name].map(({ answers, seconds }) => answers / seconds));
      return [
        name,
        ...[p50, p99].map((ms) => ms.toFixed(2)),
        ...added.map((ms) => (name === 'direct' ? '-' : ms.toFixed(2))),
        formatCount(streams),
        ...shares(samples[name]),
      ];
    });
    return formatTable(['', 'p50 ms', 'p99 ms', 'added p50', 'added p99', 'streams/s', ...SHARE_HEADER], rows);
  },
};

const OPEN_STREAMS = [1000, 5000];

const openStreams: Part = {
  name: 'memory',
  title: 'Open streams of one token a second: resident memory, a fresh process for each number',
  async run(rig) {
    const answer = makeAnswer(rig.vocabulary, 100, 500);
    const counts = OPEN_STREAMS.filter((count) => 2 * count + 100 < maxOpenFiles());
    const rows: string[][] = [];
    for (const start of [() => rig.startNginx(), () => rig.startChorus()]) {
      for (const connections of counts) {
        const target = await start();
        if (target === null) continue;
        const scenario: Scenario = { answer, stream: true, connections, rampMs: 2 * connections, intervalMs: 1000 };
        try {
          rows.push(await memoryRow(rig, target, scenario));
        } finally {
          await target.stop();
        }
      }
    }
    const header = ['', 'streams', 'idle', 'open', 'a stream', 'tokens/s', ...SHARE_HEADER];
    const skipped = counts.length < OPEN_STREAMS.length ? `\nMore needs \`ulimit -n\` above ${maxOpenFiles()}.` : '';
    return formatTable(header, rows) + skipped;
  },
};

async function memoryRow(rig: Rig, target: Target, scenario: Scenario): Promise<string[]> {
  const { connections } = scenario;
  const memory = (): number => (target.pid === null ? 0 : residentBytes(target.pid));
  const idleBytes = memory();
  let openBytes = 0;
  const sample = await rig.measure(target, scenario, 3000, () => (openBytes = memory()));
  if (sample.open !== connections) {
    rig.problems.push(`${target.name}: ${sample.open} of ${connections} streams show text`);
  }
  return [
    target.name,
    formatCount(connections),
    formatBytes(idleBytes),
    formatBytes(openBytes),
    formatBytes((openBytes - idleBytes) / connections),
    formatCount(sample.tokens / sample.seconds),
    ...shares([sample]),
  ];
}

/** The hard limit: Node raises its own soft limit to it (proc_pid_limits(5)). */
const maxOpenFiles = (): number =>
  Number(/^Max open files +\S+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? 0);

const SHARE_HEADER = ['its core', 'harness core', 'others'];

/** How busy the two cores were, and what else ran: figures of a window in which others took much are worth little. */
function shares(samples: readonly Sample[]): string[] {
  const share = (pick: (sample: Sample) => number): string =>
    `${Math.round(100 * median(samples.map((sample) => pick(sample) / 1000 / sample.seconds)))} %`;
  return [
    share((sample) => sample.targetCpuMs),
    share((sample) => sample.harnessCpuMs),
    share((sample) => sample.foreignCpuMs),
  ];
}

const followUp: Part = {
  name: 'follow-up',
  title: 'Turn 51 by previous_response_id, and with the same context inline: time from the request to the first word',
  async run(rig) {
    const answer = makeAnswer(rig.vocabulary, 30, 120);
    const chorus = await rig.startChorus();
    try {
      await rig.answerWith(answer, 0);
      const { byId, inline, inlineBytes } = await compareFollowUps(chorus.address.port);
      const differences = byId.map((ms, index) => ms - (inline[index] ?? Number.NaN));
      const rows = Object.entries({ 'by id': byId, inline, 'by id - inline': differences }).map(([name, times]) => [
        name,
        ...[0.5, 0.9].map((share) => quantile(times, share).toFixed(2)),
      ]);
      const about = `${byId.length} pairs, one request at a time; the inline body has ${formatBytes(inlineBytes)}.`;
      return `${formatTable(['', 'p50 ms', 'p90 ms'], rows)}\n${about}`;
    } finally {
      await chorus.stop();
    }
  },
};

/** Chosen so that about 500 of these answers are complete a second. */
const PACED = { connections: 118, rampMs: 1000, intervalMs: 8, maxPauseMs: MAX_PAUSE_MS };

const eventLoop: Part = {
  name: 'event-loop',
  title:
    'How late the event loop comes round at 500 JSON answers a second, stored and not, on both cores (idle: 1.1 ms)',
  async run(rig, windowMs) {
    const scenario: Scenario = { answer: makeAnswer(rig.vocabulary, 5, 15), stream: false, ...PACED };
    const chorus = await rig.startChorus('both');
    const rows: string[][] = [];
    try {
      await rig.measure(chorus, scenario, PACED_WARM_UP_MS);
      for (const name of ['chorus', 'unstored'] as const) {
        await chorus.loopDelayMs();
        const sample = await rig.measure({ ...chorus, name }, scenario, ROUNDS * windowMs);
        const { p50, p99, p999 } = await chorus.loopDelayMs();
        const rate = formatCount(sample.answers / sample.seconds);
        rows.push([name, rate, ...[p50, p99, p999].map((ms) => ms.toFixed(1)), ...shares([sample])]);
      }
    } finally {
      await chorus.stop();
    }
    return formatTable(['', 'answers/s', 'p50 ms', 'p99 ms', 'p99.9 ms', ...SHARE_HEADER], rows);
  },
};

/** Every part, in the order in which they run. */
export const PARTS: readonly Part[] = [perToken, firstText, perAnswer, openStreams, followUp, eventLoop];
