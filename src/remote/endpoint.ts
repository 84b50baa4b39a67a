import { readSecret } from '../access/secret-file.ts';
import type { RemoteEngineOptions } from '../config/remote-engines.ts';
import type { RemoteEndpoint } from '../domain/replica.ts';
import { Secret } from '../domain/secret.ts';

/** Where it listens, as people read it: `host`, or `host:port` where the port is not the scheme's own. */
export const hostOf = ({ url }: RemoteEngineOptions): string => new URL(url).host;

/** Where and how to reach it, with its key or without one. */
export function remoteEndpoint(options: RemoteEngineOptions, key: string | null): RemoteEndpoint {
  const { protocol, hostname, port, host, pathname } = new URL(options.url);
  const isSecure = protocol === 'https:';
  return {
    isSecure,
    // An IPv6 address stands in brackets in a URL, and nowhere else.
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (isSecure ? 443 : 80) : Number(port),
    authority: host,
    basePath: pathname.replace(/\/+$/, ''),
    authorization: key === null ? null : new Secret(`Bearer ${key}`),
    forwardsAuthorization: options.forwardsAuthorization,
  };
}

/** The key in its file, read anew; null where none is named. Throws when there is a name and no key. */
export function readRemoteKey({ apiKeyFile }: RemoteEngineOptions): string | null {
  const key = apiKeyFile === null ? null : readSecret(apiKeyFile);
  if (apiKeyFile !== null && key === null) throw new Error(`there is no ${apiKeyFile}`);
  return key;
}
