/**
 * A stand-in for a few `vllm serve`, as cheap as Node can be: every stream is the same bytes, spelled once, and what is
 * due on a socket goes out in one write. It answers what the readiness probe and Chorus's token
 * route ask, and counts.
 */
import { createServer, type Socket } from 'node:net';
import { systemClock } from '../../src/system/clock.ts';
import { engineScript, httpAnswer, type EngineScript } from './engine-script.ts';
import { Pacer, type Paced } from './pacer.ts';
import { readStart, serveParent } from './parent.ts';

export interface UpstreamStart {
  /** One unix socket for each replica. */
  readonly socketPaths: readonly string[];
}

/** How the streams that begin from now on go. */
export interface Workload {
  readonly tokenIds: readonly number[];
  /** Tokens that come at once. */
  readonly leadTokens: number;
  /** Pause between two tokens after them; 0: everything at once. */
  readonly intervalMs: number;
}

/** A new workload, or only the counts. */
export interface UpstreamRequest {
  readonly workload: Workload | null;
}

export interface UpstreamReply {
  /** Tokens sent in streams so far. */
  readonly tokens: number;
  readonly openStreams: number;
}

const LISTEN_BACKLOG = 4096;
const HEAD_END = '\r\n\r\n';
const EMPTY = Buffer.alloc(0);
const NOTHING = new Int32Array(new SharedArrayBuffer(4));
const SHORTEST_MS = 0.001;

const model = { id: 'gpt-oss-20b', object: 'model', created: 1_704_067_200, owned_by: 'vllm', max_model_len: 131_072 };
const FIXED_ANSWERS: Readonly<Record<string, Buffer>> = {
  '/health': Buffer.from('HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-length: 0\r\n\r\n'),
  '/version': httpAnswer(JSON.stringify({ version: '0.32.0' })),
  '/v1/models': httpAnswer(JSON.stringify({ object: 'list', data: [model] })),
};

/** Blocks for as short as the kernel can, about 60 microseconds: timers of Node are no finer than a millisecond. */
const rest = (): void => void Atomics.wait(NOTHING, 0, 0, SHORTEST_MS);

/** By stream interval. */
const scripts = new Map<number, EngineScript>();
let workload: Workload = { tokenIds: [200_002], leadTokens: 1, intervalMs: 0 };
let pacer = new Pacer(systemClock, 1, rest);
const counts = { tokens: 0, openStreams: 0 };
const sockets = new Set<Socket>();

/** One stream: where it is in the script, and what is due. */
class TokenStream implements Paced {
  readonly #socket: Socket;
  readonly #script: EngineScript;
  readonly #workload = workload;
  readonly #startMs = systemClock.monotonicMs();
  #leavePacer: () => void = () => {};
  #sent = 0;
  #ended = false;

  constructor(socket: Socket, script: EngineScript) {
    this.#socket = socket;
    this.#script = script;
    counts.openStreams++;
    socket.write(this.#script.head);
    const { intervalMs, leadTokens } = this.#workload;
    if (intervalMs > 0) this.#leavePacer = pacer.add(this);
    this.#sendUpTo(intervalMs > 0 ? leadTokens : Infinity);
  }

  advance(nowMs: number): boolean {
    const { intervalMs, leadTokens } = this.#workload;
    if (this.#ended || this.#socket.writableNeedDrain) return false;
    return this.#sendUpTo(leadTokens + Math.round((nowMs - this.#startMs) / intervalMs));
  }

  /** Ends it where it is; harmless afterwards. */
  drop(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#leavePacer();
    counts.openStreams--;
  }

  #sendUpTo(due: number): boolean {
    const { ends, body } = this.#script;
    const tokenCount = ends.length - 1;
    const tokens = Math.min(due, tokenCount);
    if (tokens <= this.#sent) return false;
    const frames = body.subarray(ends[this.#sent], ends[tokens]);
    if (frames.length > 0) this.#socket.write(frames);
    counts.tokens += tokens - this.#sent;
    this.#sent = tokens;
    if (tokens === tokenCount) this.drop();
    return frames.length > 0;
  }
}

/** Tokens a frame that a request asks for: vLLM's default is 1. */
const streamInterval = (body: string): number => Number(/"stream_interval":(\d+)/.exec(body)?.[1] ?? 1);

function scriptOf(interval: number): EngineScript {
  const known = scripts.get(interval);
  if (known) return known;
  const script = engineScript(workload.tokenIds, interval);
  scripts.set(interval, script);
  return script;
}

/** Reads one request after the other from a kept connection and answers it. */
function serve(socket: Socket): void {
  let received: Buffer = EMPTY;
  let stream: TokenStream | null = null;
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => {
    sockets.delete(socket);
    stream?.drop();
  });
  socket.on('data', (bytes: Buffer) => {
    received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
    const bodyStart = received.indexOf(HEAD_END) + HEAD_END.length;
    if (bodyStart < HEAD_END.length) return;
    const head = received.toString('latin1', 0, bodyStart);
    if (received.length < bodyStart + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)) return;
    const wantsStream = received.includes('"stream":true', bodyStart);
    const interval = streamInterval(received.toString('latin1', bodyStart));
    received = EMPTY;
    const path = head.split(' ', 2)[1] ?? '';
    const fixed = FIXED_ANSWERS[path];
    if (fixed) socket.write(fixed);
    else if (wantsStream) stream = new TokenStream(socket, scriptOf(interval));
    else socket.write(scriptOf(1).wholeAnswer);
  });
}

const servers = (readStart() as UpstreamStart).socketPaths.map((path) =>
  createServer(serve).listen({ path, backlog: LISTEN_BACKLOG }),
);

serveParent(
  (request) => {
    const wanted = (request as UpstreamRequest).workload;
    if (wanted) {
      workload = wanted;
      scripts.clear();
      pacer = new Pacer(systemClock, workload.intervalMs, rest);
    }
    return { ...counts } satisfies UpstreamReply;
  },
  () => {
    for (const server of servers) server.close();
    for (const socket of sockets) socket.destroy();
  },
);
