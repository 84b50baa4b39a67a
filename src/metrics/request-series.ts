import { Counter, Histogram, type Registry } from 'prom-client';
import type { AttemptFailed } from '../turn/after-failure.ts';
import type { TurnReport } from '../turn/turn-report.ts';
import type { RequestReport } from './request-log.ts';

const FIRST_TOKEN_SECONDS = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300];
const RESPONSE_SECONDS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800];

/** What clients asked for and what they got. Everything is counted once a request, nothing by the token. */
export class RequestSeries {
  readonly #requests;
  readonly #responses;
  readonly #failures;
  readonly #attempts;
  readonly #tokens;
  readonly #firstToken;
  readonly #duration;

  constructor(registry: Registry) {
    const registers = [registry];
    const model = ['model'] as const;
    const counter = <Name extends string>(name: string, help: string, labelNames: readonly Name[]): Counter<Name> =>
      new Counter({ name, help, labelNames, registers });
    this.#requests = counter('chorus_http_requests_total', 'HTTP requests; 499: the client left before an answer.', [
      'method',
      'route',
      'code',
    ]);
    this.#responses = counter('chorus_responses_total', 'Responses that ended, by API and by how they ended.', [
      'api',
      'model',
      'mode',
      'outcome',
    ]);
    this.#failures = counter('chorus_response_failures_total', 'Failed responses, by the name of the error.', [
      'model',
      'error',
    ]);
    this.#attempts = counter('chorus_failed_attempts_total', 'Attempts on an engine that failed, and what came next.', [
      'cause',
      'outcome',
    ]);
    this.#tokens = {
      input: counter('chorus_input_tokens_total', 'Tokens of prompts, cached ones included.', model),
      cached: counter('chorus_cached_input_tokens_total', 'Tokens of prompts that an engine had in its cache.', model),
      output: counter('chorus_output_tokens_total', 'Generated tokens, reasoning included.', model),
      reasoning: counter('chorus_reasoning_tokens_total', 'Generated tokens of reasoning.', model),
    };
    this.#firstToken = new Histogram({
      name: 'chorus_time_to_first_token_seconds',
      help: 'Of streams: from the begin of the turn to the first event that an engine is the source of.',
      labelNames: model,
      buckets: FIRST_TOKEN_SECONDS,
      registers,
    });
    this.#duration = new Histogram({
      name: 'chorus_response_duration_seconds',
      help: 'From the begin of the turn to its end on the disk; of aborted ones to the abort.',
      labelNames: ['model', 'mode'],
      buckets: RESPONSE_SECONDS,
      registers,
    });
  }

  readonly answered = ({ method, route, code }: RequestReport): void => {
    this.#requests.inc({ method, route, code });
  };

  readonly turnEnded = (report: TurnReport): void => {
    const { api, model, outcome, error, firstOutputMs } = report;
    const mode = report.isStream ? 'stream' : 'json';
    this.#responses.inc({ api, model, mode, outcome });
    if (error !== null) this.#failures.inc({ model, error });
    this.#tokens.input.inc({ model }, report.inputTokens);
    this.#tokens.cached.inc({ model }, report.cachedTokens);
    this.#tokens.output.inc({ model }, report.outputTokens);
    this.#tokens.reasoning.inc({ model }, report.reasoningTokens);
    if (report.isStream && firstOutputMs !== null) this.#firstToken.observe({ model }, firstOutputMs / 1000);
    this.#duration.observe({ model, mode }, report.durationMs / 1000);
  };

  readonly attemptFailed = ({ cause, outcome }: Pick<AttemptFailed, 'cause' | 'outcome'>): void => {
    this.#attempts.inc({ cause, outcome });
  };
}
