import { hash } from 'node:crypto';

/**
 * What is kept and compared of a key. One round of SHA-256 is enough: Chorus's keys are 192 random bits, which nobody
 * finds by trying, and a slow hash, which protects what people can remember, would be paid for by every request.
 */
export const digestOf = (secret: string): Buffer => hash('sha256', secret, 'buffer');
