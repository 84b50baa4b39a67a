import { isObject } from '../domain/json.ts';
import { SetupFailure } from './failure.ts';
import type { FileChecksum, HubFile, HubListing } from './setup-plan.ts';

/**
 * What vLLM reads: weights, configuration, tokenizer and chat template at the root. `original/` and `metal/` of the
 * gpt-oss repositories hold the same weights twice more.
 */
const NEEDED = /^[A-Za-z0-9][\w.-]*\.(safetensors|json|jinja)$/;

/** One file in the hub's answer to `/api/models/…?blobs=true`. */
interface Sibling {
  readonly rfilename?: unknown;
  readonly size?: unknown;
  readonly blobId?: unknown;
  readonly lfs?: { readonly sha256?: unknown; readonly size?: unknown } | null;
}

/** Reads the hub's answer. Throws a `SetupFailure` for one that is not of a hub, or without weights. */
export function parseListing(repository: string, text: string, url: URL): HubListing {
  const { sha, siblings } = parseObject(text, url);
  if (typeof sha !== 'string' || !/^[0-9a-f]{40}$/.test(sha) || !Array.isArray(siblings)) throw nonsense(url);
  const wanted = (siblings as Sibling[]).filter(
    ({ rfilename }) => typeof rfilename === 'string' && NEEDED.test(rfilename),
  );
  const files = wanted.map((sibling) => readFile(sibling, url));
  if (!files.some(({ path }) => path.endsWith('.safetensors'))) throw nonsense(url);
  return { repository, revision: sha, files };
}

function parseObject(text: string, url: URL): { readonly sha?: unknown; readonly siblings?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    throw nonsense(url);
  }
}

function readFile({ rfilename, size, blobId, lfs }: Sibling, url: URL): HubFile {
  const checksum: FileChecksum = lfs
    ? { algorithm: 'sha256', hex: String(lfs.sha256) }
    : { algorithm: 'git-sha1', hex: String(blobId) };
  const sizeBytes = Number(lfs?.size ?? size ?? Number.NaN);
  const isHex = (lfs ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/).test(checksum.hex);
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || !isHex) throw nonsense(url);
  return { path: String(rfilename), sizeBytes, checksum };
}

function nonsense(url: URL): SetupFailure {
  return new SetupFailure('hub_nonsense', `${url.href} does not answer as a Hugging Face hub does.`);
}
