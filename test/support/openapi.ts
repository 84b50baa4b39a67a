import { Ajv2020 } from 'ajv/dist/2020.js';
import { getGlobalDispatcher, setGlobalDispatcher, type Dispatcher } from 'undici';

type Schema = Readonly<Record<string, unknown>>;
type Content = Readonly<Record<string, { readonly schema: Schema } | undefined>>;

export interface OpenApiOperation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

/** `/openapi.json`, as far as tests look. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
}

/** A request and its answer as they went over the wire. */
export interface Exchange {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly sent: string;
  readonly status: number;
  readonly contentType: string;
  readonly answered: string;
}

/**
 * Says how an exchange is not as the document has it: the operation, the status, the content type, the answer (of a
 * stream each event), and of a request that was accepted its body. Empty when all is.
 */
export function openApiJudge(document: OpenApiDocument): (exchange: Exchange) => string[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema(document, 'openapi');
  const paths = Object.entries(document.paths).map(([template, operations]) => {
    const pattern = new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    return { template, pattern, operations };
  });
  const holds = (pointer: readonly string[], value: unknown): string[] => {
    const escaped = pointer.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1')));
    const validate = ajv.getSchema(`openapi#/${escaped.join('/')}`);
    if (validate === undefined) return [`no schema at ${pointer.join('/')}`];
    return validate(value) ? [] : [`${ajv.errorsText(validate.errors)} in ${JSON.stringify(value).slice(0, 300)}`];
  };
  return ({ method, path, sent, status, contentType, answered }) => {
    const found = paths.find(({ pattern }) => pattern.test(path));
    const operation = found?.operations[method.toLowerCase()];
    const at = (problems: string[]): string[] => problems.map((problem) => `${method} ${path} ${status}: ${problem}`);
    if (found === undefined || operation === undefined) return at(['no such operation']);
    const content = operation.responses[status]?.content;
    if (content === undefined) return at(['no such status']);
    const type = contentType.split(';')[0] ?? '';
    if (content[type] === undefined) return at([`no such content type: ${contentType}`]);
    const here = ['paths', found.template, method.toLowerCase()];
    const answer = [...here, 'responses', String(status), 'content', type, 'schema'];
    const isStream = type === 'text/event-stream';
    const values = isStream ? readEvents(answered) : [readBody(type, answered)];
    if (isStream) answer.push('properties', 'data', 'anyOf', '0', 'contentSchema');
    const body = [...here, 'requestBody', 'content', 'application/json', 'schema'];
    return at([
      ...values.flatMap((value) => holds(answer, value)),
      ...(operation.requestBody && status < 300 ? holds(body, JSON.parse(sent)) : []),
    ]);
  };
}

const readBody = (type: string, text: string): unknown =>
  type === 'application/json' ? (JSON.parse(text) as unknown) : text;

/** What the frames of a stream hold, with or without a line that names the event. */
const readEvents = (text: string): unknown[] =>
  [...text.matchAll(/^data: (?!\[DONE\])(.+)$/gm)].map(([, json = '']) => JSON.parse(json) as unknown);

/** Keeps every exchange that goes through undici from now on, until `stop`; those that break off are left out. */
export function keepExchanges(): { readonly exchanges: readonly Exchange[]; readonly stop: () => void } {
  const exchanges: Exchange[] = [];
  const before = getGlobalDispatcher();
  setGlobalDispatcher(before.compose((dispatch) => (options, handler) => dispatch(options, keeper(options, handler))));
  const keeper = (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) => {
    let head = { status: 0, contentType: '' };
    const pieces: Buffer[] = [];
    const kept: Dispatcher.DispatchHandler = {
      onRequestStart: (...args) => handler.onRequestStart?.(...args),
      onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
      onResponseStart(controller, status, headers, message) {
        head = { status, contentType: String(headers['content-type']) };
        handler.onResponseStart?.(controller, status, headers, message);
      },
      onResponseData(controller, piece) {
        pieces.push(Buffer.from(piece));
        handler.onResponseData?.(controller, piece);
      },
      onResponseEnd(controller, trailers) {
        const path = options.path.split('?')[0] ?? '';
        const sent = typeof options.body === 'string' ? options.body : '';
        exchanges.push({ method: options.method, path, sent, ...head, answered: Buffer.concat(pieces).toString() });
        handler.onResponseEnd?.(controller, trailers);
      },
      onResponseError: (...args) => handler.onResponseError?.(...args),
    };
    return kept;
  };
  return { exchanges, stop: () => setGlobalDispatcher(before) };
}
