/** One whole HTTP answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly method: string;
}

interface Read {
  readonly answer: HttpAnswer;
  readonly next: number;
}

const HEAD_END = '\r\n\r\n';
const LINE_END = '\r\n';

/**
 * The whole answers in `bytes`, one for each method at most (RFC 9112, 6.3), interim ones skipped; `closed` says that
 * no more will come, which ends a body without a length.
 */
export function readAnswers(
  bytes: Buffer,
  methods: readonly string[],
  closed: boolean,
): { readonly answers: readonly HttpAnswer[]; readonly rest: string } {
  const answers: HttpAnswer[] = [];
  let at = 0;
  for (const method of methods) {
    const read = readAnswer(bytes, at, method, closed);
    if (read === null) break;
    answers.push(read.answer);
    at = read.next;
  }
  return { answers, rest: bytes.toString('utf8', at) };
}

function readAnswer(bytes: Buffer, at: number, method: string, closed: boolean): Read | null {
  const headEnd = bytes.indexOf(HEAD_END, at);
  if (headEnd === -1) return null;
  const bodyStart = headEnd + HEAD_END.length;
  const head = bytes.toString('latin1', at, headEnd);
  const status = Number(head.slice(9, 12));
  if (status >= 100 && status < 200) return readAnswer(bytes, bodyStart, method, closed);
  const body = readBody(bytes, bodyStart, head, { status, method, closed });
  if (body === null) return null;
  const contentType = headerOf(head, 'content-type') ?? '';
  return { answer: { status, contentType, body: body.text, method }, next: body.next };
}

function readBody(
  bytes: Buffer,
  start: number,
  head: string,
  { status, method, closed }: { status: number; method: string; closed: boolean },
): { readonly text: string; readonly next: number } | null {
  if (method === 'HEAD' || status === 204 || status === 304) return { text: '', next: start };
  if (/chunked/i.test(headerOf(head, 'transfer-encoding') ?? '')) return readChunks(bytes, start);
  const length = headerOf(head, 'content-length');
  if (length === null) return closed ? { text: bytes.toString('utf8', start), next: bytes.length } : null;
  const next = start + Number(length);
  return next > bytes.length ? null : { text: bytes.toString('utf8', start, next), next };
}

function readChunks(bytes: Buffer, start: number): { readonly text: string; readonly next: number } | null {
  const pieces: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf(LINE_END, at);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const next = lineEnd + LINE_END.length + size + LINE_END.length;
    if (next > bytes.length) return null;
    if (size === 0) return { text: Buffer.concat(pieces).toString('utf8'), next };
    pieces.push(bytes.subarray(lineEnd + LINE_END.length, lineEnd + LINE_END.length + size));
    at = next;
  }
}

function headerOf(head: string, name: string): string | null {
  return new RegExp(`^${name}: *(.*?) *$`, 'im').exec(head)?.[1] ?? null;
}
