import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { encodeText } from '../../src/harmony/encode.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { askedResponse } from '../../src/responses/asked-response.ts';
import { prepareResponse } from '../../src/responses/request.ts';
import { systemClock } from '../../src/system/clock.ts';
import { createLogger } from '../../src/system/logger.ts';
import { answerWhole } from '../../src/turn/answer-turn.ts';
import { prepareOptions } from '../support/prepare-options.ts';
import { finished } from '../support/scripted-upstream.ts';
import { turnEndsOf } from '../support/turn-ends.ts';
import { startTelemetry } from '../support/telemetry.ts';
import { FINAL, setUpTurn } from '../support/turn.ts';
import { vocabulary } from '../support/vocabulary.ts';

const SECRET = 'zebra-crossing-42';
const { signal } = new AbortController();

let stop = (): void => {};

afterEach(() => stop());

/** A response over scripted engines, with the log that `chorus serve --log-level debug` writes. */
function setUp() {
  const file = join(mkdtempSync(join(tmpdir(), 'chorus-log-')), 'chorus.log');
  const telemetry = startTelemetry({ logger: createLogger(file, () => {}, { level: 'debug', maxBytes: 1e6 }) });
  stop = () => telemetry.stop();
  const { deps, upstream } = setUpTurn(['e0', 'e1']);
  const prepared = prepareResponse({ model: 'gpt-oss-20b', input: `Say ${SECRET}.` }, prepareOptions);
  const { onAttemptFailed, onTurnEnd } = telemetry;
  const turnEnds = turnEndsOf([onTurnEnd]);
  const turn = { ...deps, onAttemptFailed };
  const responses = { turn, clock: systemClock, memory: null, turnEnds };
  const created = answerWhole(responses, askedResponse(responses, prepared), signal);
  return { created, upstream, log: () => readFileSync(file, 'utf8') };
}

it('logs an answer without its words', async () => {
  const { created, upstream, log } = setUp();
  const stream = await upstream.next();
  stream.tokens(...FINAL, ...encodeText(vocabulary, SECRET), TOKENS.return);
  stream.end(finished());
  await created;
  expect(log()).toContain('"outcome":"completed"');
  expect(log()).not.toContain(SECRET);
});

it('logs what an engine failed without the words of the engine, which may quote the prompt', async () => {
  const { created, upstream, log } = setUp();
  for (const reason of ['engine_error', 'rejected'] as const) {
    const message = `cannot do 'Say ${SECRET}.'`;
    (await upstream.next()).end({ kind: 'failed', failure: { reason, message, status: 500 } });
  }
  await expect(created).rejects.toThrow(SECRET);
  expect(log()).toContain('"cause":"engine_error","status":500');
  expect(log()).toContain('"outcome":"failed"');
  expect(log()).not.toContain(SECRET);
});
