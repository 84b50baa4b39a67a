import { createHmac } from 'node:crypto';

const ENCODED = 'whsec_';

/** What is signed: which message, when it was sent, and its body. */
export interface SignedMessage {
  readonly id: string;
  /** Unix seconds. */
  readonly timestamp: number;
  readonly body: string;
}

/**
 * The value of `webhook-signature`, as Standard Webhooks (standardwebhooks.com) has it and OpenAI's clients check it. A
 * secret that begins with `whsec_` is base64 behind that, any other is taken as it is.
 */
export function webhookSignature(secret: string, { id, timestamp, body }: SignedMessage): string {
  const key = secret.startsWith(ENCODED) ? Buffer.from(secret.slice(ENCODED.length), 'base64') : secret;
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
