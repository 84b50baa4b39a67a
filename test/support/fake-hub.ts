import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a request goes wrong. `path` is a file's name, or `listing`. */
export type HubFault =
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** The connection is cut after so many bytes of the answer's body. */
  | { readonly kind: 'break'; readonly afterBytes: number }
  /** Nothing more comes after so many bytes. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** One byte of the content is another. */
  | { readonly kind: 'corrupt' }
  | { readonly kind: 'redirect'; readonly location?: string }
  /** A part is sent, whatever was asked for, and no word of which. */
  | { readonly kind: 'unasked_part' }
  /** The whole file is sent, whatever was asked for. */
  | { readonly kind: 'ignore_range' };

export interface HubRequest {
  readonly path: string;
  readonly range: string | null;
  readonly authorization: string | null;
  readonly host: string;
}

export const REVISION = '0123456789abcdef0123456789abcdef01234567';

/** Bytes that differ from one another, the same at every run. */
export function someBytes(length: number, seed: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (at * 31 + (at >> 8) * 7 + seed) % 251));
}

const WEIGHTS = ['model-00000-of-00001.safetensors', 'model-00001-of-00001.safetensors'] as const;
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** The files of a small gpt-oss repository, those among them that nobody needs. */
export function smallRepository(weightBytes = 300_000): Record<string, Buffer> {
  return {
    'README.md': Buffer.from('# a model card\n'),
    '.gitattributes': Buffer.from('*.safetensors filter=lfs\n'),
    'config.json': json({ model_type: 'gpt_oss', num_hidden_layers: 24, quantization_config: {} }),
    'generation_config.json': json({ eos_token_id: [200_002] }),
    'tokenizer.json': json({ model: {} }),
    'chat_template.jinja': Buffer.from('{{ messages }}'),
    'model.safetensors.index.json': json({
      metadata: { total_size: 2 * weightBytes },
      weight_map: { a: WEIGHTS[0], b: WEIGHTS[1] },
    }),
    [WEIGHTS[0]]: someBytes(weightBytes, 1),
    [WEIGHTS[1]]: someBytes(weightBytes, 2),
    'original/model.safetensors': someBytes(1000, 3),
    'metal/model.bin': someBytes(1000, 4),
  };
}

/** A Hugging Face hub on loopback: the model API, and files that it sends elsewhere for, as the real one does. */
export class FakeHub implements AsyncDisposable {
  readonly requests: HubRequest[] = [];
  readonly #files: Readonly<Record<string, Buffer>>;
  readonly #faults: { readonly path: string; readonly fault: HubFault }[] = [];
  readonly #server: Server;
  #bytesPerSecond = Infinity;

  private constructor(files: Readonly<Record<string, Buffer>>) {
    this.#files = files;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(files: Readonly<Record<string, Buffer>> = smallRepository()): Promise<FakeHub> {
    const hub = new FakeHub(files);
    hub.#server.listen(0, '127.0.0.1');
    await once(hub.#server, 'listening');
    return hub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next `times` requests for `path` go wrong; later faults come after earlier ones. */
  fail(path: string, fault: HubFault, times = 1): void {
    for (let count = 0; count < times; count++) this.#faults.push({ path, fault });
  }

  /** Lets files flow no faster, a hundred pieces a second. */
  slowTo(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** The requests for files, without those that were only sent elsewhere. */
  get downloads(): readonly HubRequest[] {
    return this.requests.filter(({ path }) => path.startsWith('storage/'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    const url = new URL(request.url ?? '/', this.endpoint);
    const path = decodeURIComponent(url.pathname).slice(1);
    const { range = null, authorization = null, host = '' } = request.headers;
    this.requests.push({ path, range, authorization, host });
    if (/^api\/models\/[^/]+\/[^/]+\/revision\/main$/.test(path)) return this.#list(response);
    const resolved = /^[^/]+\/[^/]+\/resolve\/[0-9a-f]{40}\/(.+)$/.exec(path)?.[1];
    if (resolved !== undefined) return this.#resolve(resolved, response);
    const stored = /^storage\/(.+)$/.exec(path)?.[1];
    if (stored !== undefined) return this.#send(stored, range, response);
    response.writeHead(404).end();
  }

  #list(response: ServerResponse): void {
    const fault = this.#takeFault('listing');
    if (fault?.kind === 'stall') return;
    if (this.#fails(fault, response)) return;
    const siblings = Object.entries(this.#files).map(([rfilename, content]) => {
      const isLarge = /\.(safetensors|bin)$/.test(rfilename) || rfilename === 'tokenizer.json';
      const blobId = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
      const sha256 = createHash('sha256').update(content).digest('hex');
      return { rfilename, size: content.length, blobId, ...(isLarge ? { lfs: { sha256, size: content.length } } : {}) };
    });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sha: REVISION, siblings }));
  }

  #resolve(path: string, response: ServerResponse): void {
    const storage = this.endpoint.replace('127.0.0.1', 'localhost');
    const fault = this.#faults.find((entry) => entry.path === path)?.fault;
    if (fault?.kind === 'status' || fault?.kind === 'redirect') {
      this.#fails(this.#takeFault(path), response);
      return;
    }
    response.writeHead(302, { location: `${storage}/storage/${path}` }).end();
  }

  async #send(path: string, range: string | null, response: ServerResponse): Promise<void> {
    const content = this.#files[path];
    if (content === undefined) return void response.writeHead(404).end();
    const fault = this.#takeFault(path);
    const from = fault?.kind === 'ignore_range' ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const body = Buffer.from(content.subarray(from));
    if (fault?.kind === 'corrupt') body[body.length - 1] = (body[body.length - 1]! + 1) % 256;
    response.writeHead(from > 0 || fault?.kind === 'unasked_part' ? 206 : 200, {
      'content-length': body.length,
      ...(from > 0 ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
    });
    if (fault?.kind === 'break') {
      response.write(body.subarray(0, fault.afterBytes), () => response.destroy());
    } else if (fault?.kind === 'stall') {
      response.write(body.subarray(0, fault.afterBytes));
    } else if (this.#bytesPerSecond === Infinity) {
      response.end(body);
    } else {
      await this.#trickle(body, response);
    }
  }

  async #trickle(body: Buffer, response: ServerResponse): Promise<void> {
    for (let at = 0; at < body.length && !response.destroyed;) {
      const piece = body.subarray(at, at + Math.ceil(this.#bytesPerSecond / 100));
      response.write(piece);
      at += piece.length;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    response.end();
  }

  #takeFault(path: string): HubFault | undefined {
    const at = this.#faults.findIndex((entry) => entry.path === path);
    return at === -1 ? undefined : this.#faults.splice(at, 1)[0]?.fault;
  }

  #fails(fault: HubFault | undefined, response: ServerResponse): boolean {
    if (fault?.kind === 'status') response.writeHead(fault.status, fault.headers).end('no');
    else if (fault?.kind === 'redirect') response.writeHead(302, { location: fault.location ?? '/around' }).end();
    else return false;
    return true;
  }
}
