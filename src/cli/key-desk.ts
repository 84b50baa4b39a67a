import { KeyRing, type NewKey } from '../access/key-ring.ts';
import type { KeyListing, KeyView, KeyWish } from '../access/named-keys.ts';
import { CodedError } from '../domain/errors.ts';
import type { Limits } from '../domain/limits.ts';
import { systemClock } from '../system/clock.ts';
import { livingServer, makeStateDirectory } from '../system/state-directory.ts';
import { askServer, orderServer, refusalOfStatus } from './server-client.ts';

/** Where the commands change keys. */
export interface KeyDesk {
  list(): Promise<KeyListing>;
  create(wish: KeyWish): Promise<NewKey>;
  revoke(idOrName: string): Promise<KeyView>;
  limitProject(project: string, limits: Limits): Promise<void>;
}

/** The running server of a state directory, which alone writes its keys; without one, the file itself. */
export function keyDesk(stateDir: string): KeyDesk {
  return livingServer(stateDir) === null ? fileDesk(stateDir) : serverDesk(stateDir);
}

function serverDesk(stateDir: string): KeyDesk {
  const path = (...words: string[]): string => `/admin/${words.map(encodeURIComponent).join('/')}`;
  return {
    list: () => askServer(stateDir, 'GET', path('keys')),
    create: (body) => orderServer(stateDir, { method: 'POST', path: path('keys'), body }),
    revoke: (idOrName) => orderServer(stateDir, { method: 'DELETE', path: path('keys', idOrName) }),
    limitProject: (project, body) =>
      orderServer(stateDir, { method: 'PUT', path: path('projects', project, 'limits'), body }),
  };
}

function fileDesk(stateDir: string): KeyDesk {
  const withKeys = async <T>(use: (keys: KeyRing) => T | Promise<T>): Promise<T> => {
    makeStateDirectory(stateDir);
    const keys = new KeyRing({ stateDir, clock: systemClock });
    try {
      return await use(keys);
    } catch (error) {
      throw error instanceof CodedError ? refusalOfStatus(error.status, error.message) : error;
    } finally {
      await keys.close();
    }
  };
  return {
    list: () => withKeys((keys) => keys.listing),
    create: (wish) => withKeys((keys) => keys.create(wish)),
    revoke: (idOrName) => withKeys((keys) => keys.revoke(idOrName)),
    limitProject: (project, limits) => withKeys(async (keys) => void (await keys.limitProject(project, limits))),
  };
}
