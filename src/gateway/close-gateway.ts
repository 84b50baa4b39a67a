import type { Clock } from '../domain/clock.ts';
import type { Gateway } from './app.ts';

/** How long clients have for their last bytes; a client that never asks holds nobody up. */
const LAST_BYTES_MS = 1000;

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
