import { Agent, request, type IncomingMessage } from 'node:http';

/** First words of turn 51, in milliseconds from the request, pair by pair. */
export interface FollowUps {
  readonly byId: readonly number[];
  readonly inline: readonly number[];
  /** Of the body that carries the whole context. */
  readonly inlineBytes: number;
}

interface StoredTurn {
  readonly id: string;
  readonly output: readonly object[];
}

const TURNS = 50;
const WARM_UP_PAIRS = 50;
const PAIRS = 200;
const FIRST_WORD = '"delta":"';

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Builds a conversation, then asks for the turn behind it in both ways by turns, one request at a time. */
export async function compareFollowUps(port: number): Promise<FollowUps> {
  const context: object[] = [];
  let previous: string | null = null;
  for (let number = 1; number <= TURNS; number++) {
    const message = question(`turn ${number}`);
    const turn = await askWhole(port, { input: [message], ...(previous && { previous_response_id: previous }) });
    context.push(message, ...turn.output);
    previous = turn.id;
  }
  const byId: number[] = [];
  const inline: number[] = [];
  let inlineBytes = 0;
  for (let pair = -WARM_UP_PAIRS; pair < PAIRS; pair++) {
    const message = question(`pair ${pair}`);
    const short = JSON.stringify(streamed({ input: [message], previous_response_id: previous }));
    const long = JSON.stringify(streamed({ input: [...context, message] }));
    const asks = [() => firstWordMs(port, short), () => firstWordMs(port, long)];
    const [first = 0, second = 0] = await inTurn(pair % 2 === 0 ? asks : asks.toReversed());
    if (pair < 0) continue;
    byId.push(pair % 2 === 0 ? first : second);
    inline.push(pair % 2 === 0 ? second : first);
    inlineBytes = long.length;
  }
  agent.destroy();
  return { byId, inline, inlineBytes };
}

const question = (mark: string): object => ({
  type: 'message',
  role: 'user',
  content: `${mark}: ${'what does a gateway do with the tokens of a model, and why? '.repeat(8)}`,
});

const streamed = (body: object): object => ({ model: 'gpt-oss-20b', stream: true, store: false, ...body });

async function inTurn(asks: readonly (() => Promise<number>)[]): Promise<number[]> {
  const times: number[] = [];
  for (const ask of asks) times.push(await ask());
  return times;
}

async function askWhole(port: number, body: object): Promise<StoredTurn> {
  const answer = await post(port, JSON.stringify({ model: 'gpt-oss-20b', ...body }));
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
  if (answer.statusCode !== 200) throw new Error(`a turn failed: ${text.slice(0, 200)}`);
  return JSON.parse(text) as StoredTurn;
}

/** Reads the answer to its end: the next request has the connection to itself. */
async function firstWordMs(port: number, body: string): Promise<number> {
  const startMs = performance.now();
  const answer = await post(port, body);
  let text = '';
  let firstMs: number | null = null;
  for await (const chunk of answer.setEncoding('utf8')) {
    text += String(chunk);
    if (firstMs === null && text.includes(FIRST_WORD)) firstMs = performance.now() - startMs;
  }
  if (firstMs === null || !text.includes('response.completed')) throw new Error(`no answer: ${text.slice(0, 200)}`);
  return firstMs;
}

function post(port: number, body: string): Promise<IncomingMessage> {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer EMPTY' };
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: '/v1/responses', method: 'POST', headers, agent }, resolve);
    sent.on('error', reject);
    sent.end(body);
  });
}
