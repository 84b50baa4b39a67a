import { beforeAll, describe, expect, it } from 'vitest';
import type { EngineReport } from '../../src/gateway/reports.ts';
import type { ResponseObject } from '../../src/protocol/responses.ts';
import { replicasReady, type RunningChorus } from '../support/chorus-process.ts';
import { eventOrderProblems } from '../support/event-order.ts';
import { eventually } from '../support/eventually.ts';
import {
  answerText,
  deltaText,
  getJson,
  openStream,
  postResponse,
  streamResponse,
} from '../support/responses-client.ts';
import type { StreamedResponse } from '../support/responses-client.ts';

interface FailoverCase {
  readonly name: string;
  readonly body: object;
  /** What its engine is killed in the middle of. */
  readonly during: 'output_text' | 'reasoning_text';
  /** What it shows of an engine another case shows too: left out where engines take a minute to come back. */
  readonly isShownElsewhere?: boolean;
}

const STORY = { input: 'Tell me a long story.' };
const SKY = {
  type: 'object',
  properties: { blue: { type: 'boolean' } },
  required: ['blue'],
  additionalProperties: false,
};
const COUNT = { input: 'Count to 50.' };

/** Answers that another engine can go on with, so that nobody can tell the difference. */
const CASES: readonly FailoverCase[] = [
  { name: 'a story', body: STORY, during: 'output_text' },
  {
    name: 'a long thought',
    body: { input: 'Why is the sky blue?', reasoning: { effort: 'high' } },
    during: 'reasoning_text',
    isShownElsewhere: true,
  },
  {
    name: 'a long thought before JSON',
    body: {
      input: 'Why is the sky blue?',
      reasoning: { effort: 'high' },
      text: { format: { type: 'json_schema', name: 'sky', strict: true, schema: SKY } },
    },
    during: 'reasoning_text',
  },
  {
    name: 'a count beside a strict function',
    body: { ...COUNT, tools: [{ type: 'function', name: 'f', strict: true, parameters: SKY }] },
    during: 'output_text',
    isShownElsewhere: true,
  },
  {
    name: 'a count that ends at its limit',
    body: { ...COUNT, max_output_tokens: 120 },
    during: 'output_text',
    isShownElsewhere: true,
  },
  {
    name: 'a story with log probabilities that ends at a stop string',
    body: { ...STORY, include: ['message.output_text.logprobs'], stop: ['a traveler came'] },
    during: 'output_text',
  },
];

/** Events of the text after which the engine is killed. */
const EVENTS_BEFORE = 3;
/** On a busy machine a whole answer may come in one read, and there is no middle to kill its engine in. */
const TRIES = 5;

/** The same for every engine that gives the answer: everything but ids and times. */
const content = ({ status, output, usage, incomplete_details: details }: ResponseObject): object => ({
  status,
  details,
  tokens: [usage?.input_tokens, usage?.output_tokens, usage?.output_tokens_details],
  output: output.map((item) => ({ ...item, id: '' })),
});

export interface FailoverOptions {
  /** How long an engine may take to come back. */
  readonly restartTimeoutMs: number;
  /** Whether that takes a minute. */
  readonly isSlow?: boolean;
  /** Called before a stream whose engine is to be killed, and after: where engines can dawdle, a slow test is in time. */
  readonly setPace?: (pace: 'slow' | 'fast') => void;
}

/**
 * What becomes of streams whose engine is killed in the middle: run on the simulator and on the real vLLM, over two
 * replicas.
 */
export function failoverSuite(
  chorus: () => RunningChorus,
  { restartTimeoutMs, isSlow = false, setPace = () => {} }: FailoverOptions,
): void {
  const cases = CASES.filter(({ isShownElsewhere = false }) => !(isSlow && isShownElsewhere));
  /** Kills an engine with SIGKILL and waits until it is known. */
  const kill = async ({ engineId, pid, generation }: EngineReport): Promise<void> => {
    process.kill(pid ?? expect.fail(`${engineId} has no process`), 'SIGKILL');
    await eventually(`the end of ${engineId}`, 20_000, async () => {
      const engine = (await chorus().status()).engines.find((one) => one.engineId === engineId);
      return engine?.phase === 'ready' && engine.generation === generation ? null : true;
    });
  };

  /** Streams, kills the engine that answers in the middle of that, and waits for the end. */
  const killedInTheMiddle = async (
    { body, during }: Omit<FailoverCase, 'name'>,
    beforehand: (other: EngineReport) => Promise<void> = async () => {},
    tries = TRIES,
  ): Promise<{ stream: StreamedResponse; victim: EngineReport }> => {
    setPace('slow');
    await replicasReady(chorus(), 2, restartTimeoutMs);
    const { soFar, ended } = await openStream(chorus().url, body);
    let isOver = false;
    void ended.then(() => (isOver = true));
    const atWork = await engineAtWork(() => isOver);
    if (atWork) await beforehand(atWork.other);
    const delta = `event: response.${during}.delta`;
    await eventually('the middle', 60_000, () => isOver || (soFar().split(delta).length > EVENTS_BEFORE ? true : null));
    if (!atWork || isOver) return killedInTheMiddle({ body, during }, beforehand, left(tries));
    await kill(atWork.victim);
    setPace('fast');
    return { stream: await ended, victim: atWork.victim };
  };

  const left = (tries: number): number =>
    tries > 1 ? tries - 1 : expect.fail('every answer was over before its middle');

  /** The engine that answers, and the other one. */
  const engineAtWork = async (isOver: () => boolean): Promise<{ victim: EngineReport; other: EngineReport } | null> => {
    const found = await eventually('one engine at work', 10_000, async () => {
      const { engines } = await chorus().status();
      const [victim] = engines.filter(({ inFlight }) => inFlight > 0);
      const [other] = engines.filter(({ inFlight }) => inFlight === 0);
      return victim && other ? { victim, other } : isOver() ? 'over' : null;
    });
    return found === 'over' ? null : found;
  };

  describe('a stream whose engine is killed in the middle', () => {
    let undisturbed: ResponseObject[] = [];
    beforeAll(async () => {
      await replicasReady(chorus(), 2, restartTimeoutMs);
      const bodies = [...cases.map(({ body }) => body), COUNT];
      const streams = await Promise.all(bodies.map((body) => streamResponse(chorus().url, body)));
      undisturbed = streams.map(({ response }) => response);
    });
    const count = (): ResponseObject => undisturbed.at(-1) ?? expect.fail('no count');

    it.each(cases)('goes on with another one, so that $name is the same to its last token', async (failoverCase) => {
      const whole = undisturbed[cases.indexOf(failoverCase)] ?? expect.fail('nothing to compare with');
      const { stream, victim } = await killedInTheMiddle(failoverCase);
      expect(eventOrderProblems(stream.events)).toEqual([]);
      // What comes in one read with the end of a stop string counts, and how much that is is chance.
      const counts = 'stop' in failoverCase.body ? { tokens: expect.anything() as unknown } : {};
      expect(content(stream.response)).toEqual({ ...content(whole), ...counts });
      expect(stream.response.chorus).toEqual({
        failed_attempts: [
          { engine: victim.engineId, outcome: 'moved', output_tokens: expect.any(Number), reason: expect.any(String) },
        ],
      });
      const { body } = await getJson<object>(`${chorus().url}/v1/responses/${stream.response.id}`);
      expect(body).toEqual({ ...stream.response, output_text: answerText(stream.response) });
    });

    it('goes on when the engines come back, where none is left', async () => {
      const { stream } = await killedInTheMiddle({ body: COUNT, during: 'output_text' }, kill);
      expect(eventOrderProblems(stream.events)).toEqual([]);
      expect(content(stream.response)).toEqual(content(count()));
    });

    // The gateway's own decision, and what the suites of deaths and restarts show of slow engines.
    if (isSlow) return;

    it('fails with the reason where going on would be another answer, and keeps what was said', async () => {
      const { stream } = await killedInTheMiddle({ body: { ...COUNT, seed: 7 }, during: 'output_text' });
      expect(stream.response).toMatchObject({
        status: 'failed',
        error: { code: 'server_error', message: expect.stringContaining('it has a seed') },
      });
      expect(stream.response).not.toHaveProperty('chorus');
      const said = deltaText(stream.events, 'response.output_text.delta');
      expect([said.length > 0, answerText(count()).startsWith(said)]).toEqual([true, true]);
    });

    it('changes nothing in an answer that is taken whole', async () => {
      setPace('slow');
      await replicasReady(chorus(), 2, restartTimeoutMs);
      const answer = postResponse(chorus().url, COUNT);
      const { victim } = (await engineAtWork(() => false)) ?? expect.fail('no engine at work');
      await kill(victim);
      setPace('fast');
      const { status, body } = await answer;
      expect([status, content(body)]).toEqual([200, content(count())]);
      expect(body.chorus).toMatchObject({ failed_attempts: [{ engine: victim.engineId }] });
    });
  });
}
