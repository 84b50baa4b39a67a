import { sleep } from '../../src/domain/clock.ts';
import { systemClock } from '../../src/system/clock.ts';
import { answerText, readFrames, terminalOf } from '../../test/support/responses-client.ts';
import type { ResponseObject } from '../../src/protocol/responses.ts';
import type { Random } from '../harmony/random.ts';
import { post, type Exchange, type Manners } from './exchange.ts';
import type { Outcome, PromiseBook } from './promises.ts';
import type { Service } from './service.ts';

/** After a refusal, as a client library would. */
const PAUSE_MS = 250;
const NAMES = ['Ada', 'Bob', 'Eve', 'Max', 'Zoe'];

/** Monotonic times. */
interface Outage {
  readonly startMs: number;
  readonly endMs: number;
}

interface Question {
  readonly input: string;
  readonly answer: RegExp;
  readonly previousResponseId?: string;
}

const STORY: Question = {
  input: 'Tell me a long story.',
  answer: /^Once upon a time .* ready to begin again\. The end\.$/,
};

/** Everybody that uses the service: a client does one thing after another until `stop`. */
export class Clients {
  readonly #service: Service;
  readonly #book: PromiseBook;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>[];
  #lastSuccessMs = systemClock.monotonicMs();
  #outage: Outage = { startMs: 0, endMs: 0 };
  #asked = 0;

  constructor(service: Service, book: PromiseBook, random: Random) {
    this.#service = service;
    this.#book = book;
    const habits = [
      ...Array.from({ length: 5 }, () => () => this.#stream(STORY, {})),
      ...Array.from({ length: 3 }, () => () => this.#whole(sum(random))),
      ...Array.from({ length: 2 }, () => () => this.#conversation(random)),
      () => this.#stream(STORY, { leavesAfterBytes: random.below(40_000) }),
      () => this.#stream(STORY, { napMs: random.between(500, 3000) }),
    ];
    this.#running = habits.map((habit) => this.#repeat(habit));
  }

  /** The longest time in which nobody got an answer. */
  get longestOutage(): Outage {
    return this.#outage;
  }

  /** No new requests; resolves when those that run have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async #repeat(habit: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const succeeded = this.#service.isDown ? null : await habit();
      if (succeeded === null) await sleep(systemClock, PAUSE_MS, signal);
    }
  }

  /** Asks one thing and, on the answer, another. */
  async #conversation(random: Random): Promise<string | null> {
    const name = random.pick(NAMES);
    const first = await this.#whole({ input: `My name is ${name}.`, answer: new RegExp(`^Hello ${name}!$`) });
    if (first === null) return null;
    const answer = new RegExp(`^Your name is ${name}\\.$`);
    return this.#stream({ input: 'What is my name?', answer, previousResponseId: first }, {});
  }

  #stream(question: Question, manners: Manners): Promise<string | null> {
    return this.#ask(question, { stream: true }, manners, (exchange) => judgeStream(exchange, question));
  }

  #whole(question: Question): Promise<string | null> {
    return this.#ask(question, { stream: false }, {}, (exchange) => judgeWhole(exchange, question));
  }

  /** The id of a completed response, or null. */
  async #ask(
    { input, previousResponseId }: Question,
    more: object,
    manners: Manners,
    judge: (exchange: Exchange) => Outcome,
  ): Promise<string | null> {
    const { turns, chorus } = this.#service;
    const context = previousResponseId === undefined ? {} : { previous_response_id: previousResponseId };
    // Nobody asks the same: one request under which engines are killed again and again counts as their murderer.
    const instructions = `This is request ${++this.#asked}.`;
    const body = { model: 'gpt-oss-20b', temperature: 0, input, instructions, ...context, ...more };
    const exchange = await post(`${chorus.url}/v1/responses`, body, manners);
    const outcome = exchange.ending === 'left' ? excused('client') : this.#pardon(judge(exchange), turns);
    this.#book.note(outcome);
    if (outcome.kind !== 'completed') return null;
    const nowMs = systemClock.monotonicMs();
    const { startMs, endMs } = this.#outage;
    if (nowMs - this.#lastSuccessMs > endMs - startMs) this.#outage = { startMs: this.#lastSuccessMs, endMs: nowMs };
    this.#lastSuccessMs = nowMs;
    return outcome.responseId;
  }

  /** What ended badly while Chorus died was promised to nobody. A response of before is still there afterwards. */
  #pardon(outcome: Outcome, turnsBefore: number): Outcome {
    const { turns, isDown } = this.#service;
    return outcome.kind === 'unfinished' && (isDown || turns !== turnsBefore) ? excused('death') : outcome;
  }
}

const excused = (by: 'client' | 'death'): Outcome => ({ kind: 'excused', by });

function sum(random: Random): Question {
  // The closed world adds up to this.
  const [a, b] = [random.below(21), random.below(11)];
  return { input: `What is ${a} + ${b}?`, answer: new RegExp(`^${a} \\+ ${b} = ${a + b}\\.$`) };
}

function judgeStream(exchange: Exchange, question: Question): Outcome {
  if (exchange.status !== 200) return judgeRefusal(exchange);
  // What was cut may end in the middle of a frame.
  const whole = exchange.text.slice(0, exchange.text.lastIndexOf('\n\n') + 2);
  const { events, done } = readFrames(whole);
  const terminal = terminalOf(events);
  if (!terminal) return unfinished(exchange, `${events.length} events`);
  if (!done) return unfinished(exchange, `${terminal.type} without [DONE]`);
  return judgeResponse(terminal['response'] as ResponseObject, question);
}

function judgeWhole(exchange: Exchange, question: Question): Outcome {
  if (exchange.status !== 200) return judgeRefusal(exchange);
  if (exchange.ending !== 'whole') return unfinished(exchange, 'half a body');
  return judgeResponse(JSON.parse(exchange.text) as ResponseObject, question);
}

function judgeResponse(response: ResponseObject, { answer, input }: Question): Outcome {
  const text = answerText(response);
  if (response.status === 'failed') return { kind: 'failed', reason: reasonOf(response.error) };
  if (response.status !== 'completed' || !answer.test(text)) {
    return { kind: 'wrong', detail: `${input} -> ${response.status} ${JSON.stringify(text.slice(0, 200))}` };
  }
  return { kind: 'completed', responseId: response.id };
}

/** An error status is honest when its body is OpenAI's. */
function judgeRefusal(exchange: Exchange): Outcome {
  if (exchange.status === null) return unfinished(exchange, 'no answer');
  try {
    const { error } = JSON.parse(exchange.text) as { error: { message: string; code: string | null } };
    return { kind: 'failed', reason: `${exchange.status} ${reasonOf(error)}` };
  } catch {
    return unfinished(exchange, `status ${exchange.status}`);
  }
}

const unfinished = ({ ending }: Exchange, found: string): Outcome => ({
  kind: 'unfinished',
  detail: `connection ${ending} after ${found}`,
});

/** Numbers and names of engines apart, so that like failures are counted together. */
function reasonOf(error: { readonly message: string; readonly code?: string | null } | null): string {
  return `${error?.code ?? 'error'}: ${error?.message ?? ''}`.replaceAll(/\d+/g, 'N').slice(0, 160);
}
