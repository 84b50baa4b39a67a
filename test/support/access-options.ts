import type { AccessOptions } from '../../src/access/access.ts';
import { NO_LIMITS } from '../../src/domain/limits.ts';
import { systemClock } from '../../src/system/clock.ts';

/** A server on loopback that nobody gave keys or limits. */
export const accessOptions = (given: Partial<AccessOptions> & Pick<AccessOptions, 'stateDir'>): AccessOptions => ({
  apiKeyFile: null,
  adminKeyFile: null,
  isPublic: false,
  noKey: false,
  limits: NO_LIMITS,
  clock: systemClock,
  ...given,
});
