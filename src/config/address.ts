import { isIP } from 'node:net';

/** Why the listener cannot have this address, as the end of a sentence, or null. */
export function addressProblem(host: string): string | null {
  if (isIP(host) !== 0 || host === 'localhost') return null;
  return 'is not an address. Use 127.0.0.1 for this machine, 0.0.0.0 for every interface';
}

/** Why no usage can be posted there, as the end of a sentence that does not repeat it, or null. */
export function webhookUrlProblem(value: unknown): string | null {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return 'is no URL to post to. Give one that begins with http:// or https://';
  }
  if (url.username === '' && url.password === '') return null;
  return 'holds a credential, which would stand in every listing of settings. Leave it out: posts are signed with the secret in usage.webhook_secret_file';
}
