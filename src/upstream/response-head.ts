/** How a response's body ends. */
export type BodyFraming =
  | { readonly kind: 'chunked' }
  | { readonly kind: 'length'; readonly bytes: number }
  /** With the connection. */
  | { readonly kind: 'until_close' };

/** What the head of a response says, as far as it matters here. */
export interface ResponseHead {
  readonly status: number;
  readonly framing: BodyFraming;
  /** Whether the connection may carry another request after the body. */
  readonly keepAlive: boolean;
  /** `Retry-After` in whole seconds, where it came so. */
  readonly retryAfterSeconds: number | null;
}

/** Why it is no head of a response that this client can read. */
export interface MalformedHead {
  readonly problem: string;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?$/;
const FIELD_LINE = /^([!#$%&'*+.^`|~\w-]+):[ \t]*([^\r\n]*?)[ \t]*$/;
const LENGTH = /^\d{1,15}$/;
const SECONDS = /^\d{1,9}$/;
const ERROR_STATUS = 400;
const NO_BODY: readonly number[] = [204, 304];

/** Reads a head without its empty last line (RFC 9112, sections 4 to 6 and 9.3). */
export function parseResponseHead(text: string): ResponseHead | MalformedHead {
  const [statusLine = '', ...fieldLines] = text.split('\r\n');
  const [, minor, statusText] = STATUS_LINE.exec(statusLine) ?? [];
  if (statusText === undefined) return { problem: `the status line is ${JSON.stringify(statusLine.slice(0, 100))}` };
  const fields = new Map<string, string>();
  for (const line of fieldLines) {
    const [, name, value = ''] = FIELD_LINE.exec(line) ?? [];
    if (name === undefined) return { problem: `a header line is ${JSON.stringify(line.slice(0, 100))}` };
    const key = name.toLowerCase();
    const earlier = fields.get(key);
    fields.set(key, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  const status = Number(statusText);
  const framing = framingOf(status, fields);
  if ('problem' in framing) return framing;
  const keepAlive = minor === '1' && !/\bclose\b/i.test(fields.get('connection') ?? '');
  const retryAfterSeconds = status < ERROR_STATUS ? null : wholeSeconds(fields.get('retry-after'));
  return { status, framing, keepAlive: keepAlive && framing.kind !== 'until_close', retryAfterSeconds };
}

/** The other form, a date, needs both clocks to agree. */
function wholeSeconds(value: string | undefined): number | null {
  return value !== undefined && SECONDS.test(value) ? Number(value) : null;
}

/** `Transfer-Encoding` wins over `Content-Length`, and a response with both or with two lengths is not to be trusted. */
function framingOf(status: number, fields: ReadonlyMap<string, string>): BodyFraming | MalformedHead {
  const encoding = fields.get('transfer-encoding');
  const length = fields.get('content-length');
  if (NO_BODY.includes(status)) return { kind: 'length', bytes: 0 };
  if (encoding !== undefined && length !== undefined) return { problem: 'both a transfer encoding and a length' };
  if (encoding !== undefined) {
    return encoding.toLowerCase() === 'chunked' ? { kind: 'chunked' } : { problem: `transfer encoding ${encoding}` };
  }
  if (length === undefined) return { kind: 'until_close' };
  return LENGTH.test(length) ? { kind: 'length', bytes: Number(length) } : { problem: `content length ${length}` };
}
