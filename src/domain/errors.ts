interface ErrorKind {
  readonly status: number;
  /** OpenAI's `error.type`. */
  readonly type: 'invalid_request_error' | 'server_error' | 'rate_limit_error';
  /** OpenAI's `error.code`: a string or null, never a number. */
  readonly code: string | null;
}

const invalid = (status: number, code: string | null): ErrorKind => ({ status, type: 'invalid_request_error', code });
const server = (status: number, code: string): ErrorKind => ({ status, type: 'server_error', code });

/** Every error a client can get. Names are never renamed or reused; a test compares this table with the README's. */
export const ERRORS = {
  bad_http: invalid(400, null),
  request_timeout: invalid(408, null),
  headers_too_large: invalid(431, null),
  bad_json: invalid(400, null),
  empty_body: invalid(400, null),
  unsupported_media_type: invalid(415, null),
  body_too_large: invalid(413, null),
  missing_parameter: invalid(400, 'missing_required_parameter'),
  invalid_type: invalid(400, 'invalid_type'),
  invalid_value: invalid(400, 'invalid_value'),
  integer_below_minimum: invalid(400, 'integer_below_min_value'),
  integer_above_maximum: invalid(400, 'integer_above_max_value'),
  decimal_below_minimum: invalid(400, 'decimal_below_min_value'),
  decimal_above_maximum: invalid(400, 'decimal_above_max_value'),
  string_too_long: invalid(400, 'string_above_max_length'),
  array_too_long: invalid(400, 'array_above_max_length'),
  object_too_large: invalid(400, 'object_above_max_properties'),
  mutually_exclusive: invalid(400, 'mutually_exclusive_parameters'),
  invalid_function_schema: invalid(400, 'invalid_function_parameters'),
  invalid_answer_schema: invalid(400, 'invalid_json_schema'),
  unknown_tool: invalid(400, null),
  unmatched_call: invalid(400, null),
  unsupported_parameter: invalid(400, 'unsupported_parameter'),
  model_not_found: invalid(400, 'model_not_found'),
  unknown_model: invalid(404, 'model_not_found'),
  context_length_exceeded: invalid(400, 'context_length_exceeded'),
  deadly_request: invalid(400, 'invalid_prompt'),
  previous_response_not_found: invalid(400, 'previous_response_not_found'),
  invalid_previous_response: invalid(400, 'invalid_previous_response'),
  item_not_found: invalid(404, null),
  not_cancellable: invalid(400, null),
  missing_key: invalid(401, null),
  wrong_key: invalid(401, 'invalid_api_key'),
  forbidden_key: invalid(403, null),
  forbidden_origin: invalid(403, null),
  not_found: invalid(404, null),
  method_not_allowed: invalid(405, 'method_not_allowed'),
  rate_limited: { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  model_not_served: server(503, 'server_is_overloaded'),
  no_replica: server(503, 'server_is_overloaded'),
  still_loading: server(503, 'server_is_overloaded'),
  shutting_down: server(503, 'server_is_overloaded'),
  reload_refused: invalid(409, 'reload_refused'),
  card_out_of_use: invalid(423, 'card_out_of_use'),
  engine_busy: server(503, 'server_is_overloaded'),
  engine_failed: server(502, 'server_error'),
  store_failed: server(500, 'server_error'),
  store_unavailable: server(503, 'server_error'),
  broken_promise: server(502, 'server_error'),
  internal: server(500, 'server_error'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorName = keyof typeof ERRORS;

export interface ErrorDetails {
  /** The request field at fault, as a path: `input[0].content[1].type`. */
  readonly param?: string | null;
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** An error that a client may see: `name` picks the row of `ERRORS`, `message` says what is wrong and what to do. */
export class CodedError extends Error {
  readonly errorName: ErrorName;
  readonly param: string | null;
  readonly retryAfterSeconds: number | null;

  constructor(errorName: ErrorName, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'CodedError';
    this.errorName = errorName;
    this.param = details.param ?? null;
    this.retryAfterSeconds = details.retryAfterSeconds ?? null;
  }

  get status(): number {
    return ERRORS[this.errorName].status;
  }

  get code(): string | null {
    return ERRORS[this.errorName].code;
  }

  /** The body that OpenAI's clients parse: all four keys, always. */
  toBody(): { error: { message: string; type: string; param: string | null; code: string | null } } {
    const { type, code } = ERRORS[this.errorName];
    return { error: { message: this.message, type, param: this.param, code } };
  }
}

/** The one converter from anything thrown to an error a client may see; unknown causes stay in `cause`. */
export function toCodedError(thrown: unknown): CodedError {
  if (thrown instanceof CodedError) return thrown;
  return new CodedError('internal', 'Something went wrong inside Chorus; its log has the details.', { cause: thrown });
}
