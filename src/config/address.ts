import { isIP } from 'node:net';

/** Why the listener cannot have this address, as the end of a sentence, or null. */
export function addressProblem(host: string): string | null {
  if (isIP(host) !== 0 || host === 'localhost') return null;
  return 'is not an address. Use 127.0.0.1 for this machine, 0.0.0.0 for every interface';
}
