/** The clients: many connections from one thread, each asking again when its answer is complete. Every answer is checked. */
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { CancelTimer } from '../../src/domain/clock.ts';
import { systemClock } from '../../src/system/clock.ts';
import { AnswerBuffer } from './answer-buffer.ts';
import { answerProblem } from './check-answer.ts';
import { serveParent } from './parent.ts';
import { numbered, type LoadJob, type LoadReply, type LoadRequest } from './requests.ts';

const READ_BUFFER_BYTES = 64 * 1024;
/** One for all sockets: its bytes are copied before the next read. */
const readBuffer = Buffer.allocUnsafe(READ_BUFFER_BYTES);

let asked = 0;
let answers = 0;
let failures = 0;
let firstFailure: string | null = null;
let bytes = 0;
let firstTextMs: number[] = [];
const connections = new Set<Connection>();
let pendingStarts: CancelTimer[] = [];

class Connection {
  readonly #job: LoadJob;
  readonly #request: Buffer;
  readonly #socket: Socket;
  readonly #answer = new AnswerBuffer();
  #sentMs = 0;
  #cancelPause: CancelTimer = () => {};
  showsText = false;

  constructor(job: LoadJob, request: Buffer) {
    this.#job = job;
    this.#request = request;
    const { address } = job;
    const target = 'port' in address ? { host: '127.0.0.1', port: address.port } : { path: address.socketPath };
    const onread = { buffer: readBuffer, callback: (count: number) => this.#read(count) };
    this.#socket = connect({ ...target, noDelay: true, onread } as NetConnectOpts);
    this.#socket.on('connect', () => this.#ask());
    this.#socket.on('error', (error) => fail(error.message));
    this.#socket.on('close', () => {
      if (connections.delete(this)) fail('the connection was closed');
    });
  }

  close(): void {
    connections.delete(this);
    this.#cancelPause();
    this.#socket.destroy();
  }

  #ask(): void {
    this.#answer.reset();
    this.showsText = false;
    this.#sentMs = performance.now();
    this.#socket.write(numbered(this.#request, asked++));
  }

  #read(count: number): boolean {
    bytes += count;
    this.#answer.append(readBuffer, count);
    if (!this.showsText && this.#answer.holds(this.#job.firstTextMark)) {
      this.showsText = true;
      firstTextMs.push(performance.now() - this.#sentMs);
    }
    if (this.#answer.complete) {
      this.#check();
      this.#pause();
    }
    return true;
  }

  #pause(): void {
    const { maxPauseMs } = this.#job;
    if (maxPauseMs === 0) this.#ask();
    else this.#cancelPause = systemClock.schedule(Math.random() * maxPauseMs, () => this.#ask());
  }

  #check(): void {
    answers++;
    const { status } = this.#answer;
    const body = this.#answer.body();
    const { answer, expected } = this.#job;
    const problem = status === 200 ? answerProblem(answer, body, expected) : `${status} ${body.slice(0, 200)}`;
    if (problem !== null) fail(problem);
  }
}

function fail(problem: string): void {
  failures++;
  firstFailure ??= problem;
}

function start(job: LoadJob): void {
  const head = [
    `POST ${job.path} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    'authorization: Bearer EMPTY',
    `content-length: ${Buffer.byteLength(job.body)}`,
  ];
  const request = Buffer.from(`${head.join('\r\n')}\r\n\r\n${job.body}`);
  pendingStarts = Array.from({ length: job.connections }, (_, index) =>
    systemClock.schedule((job.rampMs * index) / job.connections, () => {
      connections.add(new Connection(job, request));
    }),
  );
}

function stop(): void {
  for (const cancel of pendingStarts) cancel();
  for (const connection of connections) connection.close();
}

serveParent((message) => {
  const request = message as LoadRequest;
  if (request.do === 'start') start(request.job);
  if (request.do === 'stop') stop();
  const open = [...connections].filter(({ showsText }) => showsText).length;
  const reply: LoadReply = { answers, failures, firstFailure, bytes, open, firstTextMs };
  answers = failures = bytes = 0;
  firstFailure = null;
  firstTextMs = [];
  return reply;
}, stop);
