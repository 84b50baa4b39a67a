import { sleep, type Clock } from '../domain/clock.ts';
import type { Gateway } from './app.ts';

/** How long clients have for their last bytes; a client that never asks holds nobody up. */
const LAST_BYTES_MS = 1000;

/** Between the accepting of a connection and the request on it. */
const ACCEPTED_MS = 250;

/**
 * Accepts nothing more on a socket that another process keeps open: who connects waits there for the next server. What
 * was accepted goes on; resolves when its requests have come.
 */
export async function leaveListener(app: Gateway, clock: Clock): Promise<void> {
  app.server.close();
  await sleep(clock, ACCEPTED_MS);
}

/**
 * Closes the listener and, a moment later or at once where it hurries, what connections are left: an idle one, half a
 * request or a client that reads nothing would keep `app.close` waiting for ever.
 */
export async function closeGateway(app: Gateway, clock: Clock, isHurried: boolean): Promise<void> {
  const closeConnections = (): void => app.server.closeAllConnections();
  const cancel = clock.schedule(isHurried ? 0 : LAST_BYTES_MS, closeConnections);
  await app.close();
  cancel();
}
