import { Refusal } from '../domain/refusal.ts';

const FORBIDDEN = ['EACCES', 'EPERM'];

/** Whether a file or folder failed because it is not for this user, whatever it holds. */
export const isForbidden = (error: unknown): boolean => FORBIDDEN.includes((error as NodeJS.ErrnoException).code ?? '');

/** What a server keeps is for its own user: anybody else is told as whom to ask. */
export function unreadable(what: string, cause: unknown): Refusal {
  const message = `${what} cannot be read: ${(cause as Error).message}. Run this as the user of the server, or as root (sudo).`;
  return new Refusal('noPermission', message, { cause });
}
