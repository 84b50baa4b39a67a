import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { EngineReport } from '../../src/gateway/reports.ts';
import { groupMembers } from '../../src/system/process-group.ts';
import { replicasReady, type RunningChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { answerText, postResponse, streamResponse, type StreamedResponse } from '../support/responses-client.ts';
import { WORLD_CASES } from '../support/world-cases.ts';

const STREAMS = 6;

/** On a busy machine streams can be over before it is seen who has them. */
const TRIES = 3;

interface Load {
  readonly streams: readonly Promise<StreamedResponse>[];
  readonly victim: EngineReport;
}

interface Death {
  readonly name: string;
  /** The process's name, as the kernel cuts it. */
  readonly comm: string;
  readonly signal: NodeJS.Signals;
}

/** That of the API server, its leader, is in the suites that `serve.test.ts` and `failover.test.ts` run. */
const DEATHS: readonly Death[] = [
  { name: 'kill -9 of EngineCore', comm: 'VLLM::EngineCor', signal: 'SIGKILL' },
  { name: 'kill -9 of a Worker', comm: 'VLLM::Worker', signal: 'SIGKILL' },
  { name: 'SIGSTOP of EngineCore', comm: 'VLLM::EngineCor', signal: 'SIGSTOP' },
];

/** Deaths of vLLM's processes under load, over two replicas that count as hung soon. */
export function deathsSuite(chorus: () => RunningChorus, restartTimeoutMs: number): void {
  const story = WORLD_CASES.find(({ name }) => name === 'a story') ?? expect.fail('no story');

  /** Streams, and an engine that has at least half of them; anew where they were over before that was seen. */
  const underLoad = async (ask: object, tries = TRIES): Promise<Load> => {
    const streams = Array.from({ length: STREAMS }, () => streamResponse(chorus().url, ask));
    let isOver = false;
    const over = Promise.allSettled(streams).then(() => (isOver = true));
    const victim = await eventually('an engine under load', 60_000, async () => {
      const { engines } = await chorus().status();
      return engines.find(({ inFlight }) => inFlight >= STREAMS / 2) ?? (isOver ? 'over' : null);
    });
    if (victim !== 'over') return { streams, victim };
    await over;
    console.log('the streams were over before they were seen', (await chorus().status()).engines);
    return tries > 1 ? underLoad(ask, tries - 1) : expect.fail('the streams were over before they were seen');
  };

  it.each(DEATHS)('survives $name', { timeout: 2 * restartTimeoutMs }, async ({ comm, signal }) => {
    await replicasReady(chorus(), 2, restartTimeoutMs);
    const ask = { input: story.questions[0] };
    const { streams, victim } = await underLoad(ask);
    const leader = victim.pid ?? expect.fail('the engine has no process');
    const members = groupMembers(leader);
    const target = members.find((pid) => nameOf(pid).startsWith(comm)) ?? expect.fail(`no ${comm}`);
    const whole = Array.from({ length: 2 }, () => postResponse(chorus().url, ask));
    process.kill(target, signal);

    // What had no event yet succeeds elsewhere, what had goes on: greedy text is the same on every engine.
    const texts = (await Promise.all(streams)).map(({ response }) => [response.status, answerText(response)]);
    expect(texts).toEqual(texts.map(() => ['completed', texts.at(-1)?.[1]]));
    for (const { status, body } of await Promise.all(whole)) {
      expect([status, body.output_text]).toEqual([200, texts.at(-1)?.[1]]);
    }
    const { engines } = await eventually('the replica back', restartTimeoutMs, async () => {
      const report = await chorus().status();
      const back = report.engines.find(({ engineId }) => engineId === victim.engineId);
      return back?.phase === 'ready' && back.generation > victim.generation ? report : null;
    });
    expect(engines.map(({ phase }) => phase)).toEqual(['ready', 'ready']);
    expect(members.filter((pid) => groupMembers(leader).includes(pid))).toEqual([]);
    console.log(engines.find(({ engineId }) => engineId === victim.engineId)?.lastFailure?.message);
  });
}

function nameOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}
