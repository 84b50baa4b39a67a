import { isIP } from 'node:net';

/** Why the listener cannot have this address, as the end of a sentence, or null. */
export function addressProblem(host: string): string | null {
  if (isIP(host) !== 0 || host === 'localhost') return null;
  return 'is not an address. Use 127.0.0.1 for this machine, 0.0.0.0 for every interface';
}

/** Why nothing can be posted there, as the end of a sentence, or null. */
export function httpUrlProblem(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return null;
  return 'is no URL to post to. Give one that begins with http:// or https://';
}
