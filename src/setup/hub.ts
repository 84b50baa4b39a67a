import type { Readable } from 'node:stream';
import { EnvHttpProxyAgent, request, type Dispatcher } from 'undici';
import { SetupFailure } from './failure.ts';
import { parseListing } from './hub-listing.ts';
import { findSettingsProblem, type HubSettings } from './hub-settings.ts';
import { networkFailure, statusFailure } from './hub-failure.ts';
import type { HubListing } from './setup-plan.ts';

/** A redirect chain of the real hub has two or three hops. */
const MAX_REDIRECTS = 8;

export interface FileContent {
  /** The content from `startByte` on. An error in the middle is for `networkFailure`. */
  readonly body: Readable;
  /** Where the server began: the byte that was asked for, or 0 if it knows no ranges. */
  readonly startByte: number;
}

/** A Hugging Face hub or a mirror of one, spoken to through the proxies of the environment. */
export class Hub implements AsyncDisposable {
  readonly #settings: HubSettings;
  readonly #dispatcher: Dispatcher;

  /** Throws a `SetupFailure` for settings with which nothing can be asked. */
  constructor(settings: HubSettings) {
    const problem = findSettingsProblem(settings);
    if (problem !== null) throw new SetupFailure('hub_settings', problem);
    this.#settings = settings;
    const { httpProxy, httpsProxy, noProxy, stallMs } = settings;
    this.#dispatcher = new EnvHttpProxyAgent({
      httpProxy,
      httpsProxy,
      noProxy,
      allowH2: false,
      headersTimeout: stallMs,
      bodyTimeout: stallMs,
    });
  }

  /** What the newest revision of a repository holds that vLLM needs. Rejects with a `SetupFailure`. */
  async list(repository: string, signal: AbortSignal): Promise<HubListing> {
    const url = new URL(`${this.#settings.endpoint}/api/models/${repository}/revision/main?blobs=true`);
    const { statusCode, headers, body } = await this.#get(url, {}, signal);
    if (statusCode !== 200) {
      await discard(body);
      throw statusFailure(url, statusCode, headers);
    }
    const text = await body.text().catch((error: unknown) => {
      throw networkFailure(url, error, signal);
    });
    return parseListing(repository, text, url);
  }

  /** Opens a file of a listing at a byte. Rejects with a `SetupFailure`; 416 is told as the whole file from byte 0. */
  async open(
    { repository, revision }: Pick<HubListing, 'repository' | 'revision'>,
    path: string,
    startByte: number,
    signal: AbortSignal,
  ): Promise<FileContent> {
    const url = this.fileUrl({ repository, revision }, path);
    const range: Record<string, string> = startByte > 0 ? { range: `bytes=${startByte}-` } : {};
    const { statusCode, headers, body } = await this.#get(url, range, signal);
    if (statusCode === 200) return { body, startByte: 0 };
    const begun = /^bytes (\d+)-/.exec(String(headers['content-range'] ?? ''))?.[1];
    if (statusCode === 206 && Number(begun) === startByte) return { body, startByte };
    await discard(body);
    const isWrongPart = statusCode === 416 || statusCode === 206;
    if (isWrongPart && startByte > 0) return this.open({ repository, revision }, path, 0, signal);
    throw statusFailure(url, statusCode, headers);
  }

  /** Where a file is asked for; the hub answers there or sends elsewhere. */
  fileUrl({ repository, revision }: Pick<HubListing, 'repository' | 'revision'>, path: string): URL {
    return new URL(`${this.#settings.endpoint}/${repository}/resolve/${revision}/${encodeURIComponent(path)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.destroy();
  }

  /** Follows redirects. The token goes to the hub alone: the storage that it sends to signs its own addresses. */
  async #get(
    first: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { token } = this.#settings;
    let url = first;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const authorization: Record<string, string> =
        token !== null && url.origin === first.origin ? { authorization: `Bearer ${token}` } : {};
      const response = await request(url, {
        dispatcher: this.#dispatcher,
        signal,
        headers: { ...headers, ...authorization, 'accept-encoding': 'identity' },
      }).catch((error: unknown) => {
        throw networkFailure(url, error, signal);
      });
      const location = response.headers['location'];
      if (response.statusCode < 300 || response.statusCode > 399 || typeof location !== 'string') return response;
      await discard(response.body);
      url = redirectTarget(location, url);
    }
    throw new SetupFailure('hub_redirects', `${first.href} redirects more than ${MAX_REDIRECTS} times.`);
  }
}

function redirectTarget(location: string, from: URL): URL {
  const target = URL.parse(location, from.href);
  if (target !== null && /^https?:$/.test(target.protocol)) return target;
  throw new SetupFailure('hub_redirects', `${from.href} redirects to ${location}, which is no web address.`);
}

/** Frees the connection of an answer that nobody reads; one that breaks meanwhile is nobody's loss. */
async function discard(body: Dispatcher.ResponseData['body']): Promise<void> {
  await body.dump().catch(() => undefined);
}
