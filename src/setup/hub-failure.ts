import type { IncomingHttpHeaders } from 'undici/types/header.js';
import { SetupFailure, type SetupFailureCode } from './failure.ts';

/** undici's own names for an answer that does not come, or does not go on. */
const STALLED = ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'];
/** The connection stood and broke. */
const BROKEN = ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'UND_ERR_ABORTED'];

/** What an error of the connection means. An abort of `signal` comes back as the signal's reason. */
export function networkFailure(url: URL, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof SetupFailure) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (STALLED.includes(code)) return new SetupFailure('hub_stalled', `${url.host} stopped sending.`, { cause: error });
  const kind: SetupFailureCode = BROKEN.includes(code) || code.startsWith('HPE_') ? 'hub_broke_off' : 'hub_unreachable';
  const what = kind === 'hub_broke_off' ? 'broke off the transfer' : 'cannot be reached';
  return new SetupFailure(kind, `${url.host} ${what} (${message || code}).`, { cause: error });
}

const BY_STATUS: Readonly<Record<number, SetupFailureCode>> = {
  401: 'hub_unauthorised',
  403: 'hub_forbidden',
  404: 'hub_not_found',
  408: 'hub_error',
  429: 'hub_rate_limited',
};

/** What an answer means that is no success. */
export function statusFailure(url: URL, status: number, headers: IncomingHttpHeaders): SetupFailure {
  const code = BY_STATUS[status] ?? (status >= 500 ? 'hub_error' : 'hub_nonsense');
  const said = headers['x-error-message'];
  const sentence = `${url.href} answers ${status}${typeof said === 'string' ? ` (${said})` : ''}.`;
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  return new SetupFailure(code, sentence, { retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : null });
}
