/**
 * An engine that answers what readiness asks, and misbehaves as its flags say:
 *   --orphan           starts a child in its group that ignores SIGTERM and holds none of its pipes
 *   --exit-at-once     exits with code 1 before it listens
 *   --fatal TEXT       prints TEXT as an error and exits with code 1
 *   --never-listen     lives and never answers
 *   --no-token         answers /health, fails generations
 *   --no-scale-out     answers 403 on the generate route
 *   --exit-after-ready exits with code 0 at the first /health after a token
 *   --sick-after-ready answers /health with 503 after a token
 *   --freeze           makes one token and then no other, and /health answers 200
 *   --busy             its metrics show a step of the engine every time they are asked for
 *   --ignore-term      survives SIGTERM
 *   --once FILE        misbehaves only while FILE does not exist, and makes it
 */
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';

const args = process.argv.slice(2);
const valueOf = (flag: string): string => args[args.indexOf(`--${flag}`) + 1] ?? '';
const once = args.includes('--once') ? valueOf('once') : null;
const spared = once !== null && existsSync(once);
if (once !== null) writeFileSync(once, '');
const misbehaves = (flag: string): boolean => !spared && args.includes(`--${flag}`);

let tokens = 0;
let steps = 0;

if (misbehaves('orphan')) {
  spawn('sh', ['-c', 'trap "" TERM; while :; do sleep 60; done'], { stdio: 'ignore' });
  console.log('orphan started');
}
if (misbehaves('ignore-term')) process.on('SIGTERM', () => console.log('SIGTERM ignored'));
if (misbehaves('exit-at-once')) process.exit(1);
if (misbehaves('fatal')) {
  console.error(valueOf('fatal'));
  process.exit(1);
}

function answer(response: ServerResponse, status: number, body: unknown = ''): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function answerHealth(response: ServerResponse): void {
  if (tokens > 0 && misbehaves('exit-after-ready')) process.exit(0);
  answer(response, tokens > 0 && misbehaves('sick-after-ready') ? 503 : 200);
}

function answerGeneration(response: ServerResponse): void {
  if (misbehaves('no-token')) return answer(response, 500, { error: { message: 'no kernel for this' } });
  if (tokens > 0 && misbehaves('freeze')) return;
  tokens++;
  answer(response, 200, { choices: [{ index: 0, token_ids: [200002], finish_reason: 'length' }] });
}

function answerMetrics(response: ServerResponse): void {
  if (misbehaves('busy')) steps++;
  console.log('metrics asked');
  const series = ['num_requests_running 1.0', 'num_requests_waiting 0.0', `iteration_tokens_total_count ${steps}.0`];
  response.writeHead(200).end(series.map((row) => `vllm:${row}`).join('\n'));
}

const server = createServer((request, response) => {
  switch (request.url ?? '') {
    case '/health':
      return answerHealth(response);
    case '/metrics':
      return answerMetrics(response);
    case '/version':
      return answer(response, 200, { version: '9.9.9' });
    case '/v1/models':
      return answer(response, 200, { data: [{ id: 'gpt-oss-20b', max_model_len: 4096 }] });
    case '/inference/v1/generate':
      return misbehaves('no-scale-out') ? answer(response, 403) : answerGeneration(response);
    case '/v1/completions':
      return answerGeneration(response);
    default:
      return answer(response, 404);
  }
});

console.log('Resolved architecture: GptOssForCausalLM');
if (misbehaves('never-listen')) setInterval(() => {}, 60_000);
else server.listen(valueOf('uds'), () => console.log('Application startup complete.'));
if (!misbehaves('ignore-term')) process.on('SIGTERM', () => process.exit(0));
