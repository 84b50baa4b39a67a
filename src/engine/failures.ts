import { formatDuration } from '../domain/units.ts';

/** Why an engine is not running, for people and for the decision to try again. */
export interface EngineFailure {
  readonly code: string;
  /** One sentence, the engine's own reason first. */
  readonly message: string;
  /** One sentence: what the person should do. */
  readonly remedy: string;
  /** `never`: the same start would fail again. `at_once`: a collision that a second try avoids. */
  readonly retry: 'backoff' | 'at_once' | 'never';
}

/** Chorus ended it, because it was not ready in time. */
export function startedTooSlowly(deadlineMs: number): EngineFailure {
  const message = `it was not ready within ${formatDuration(deadlineMs)}`;
  return { code: 'start_too_slow', message, remedy: 'Its log file shows how far it came.', retry: 'backoff' };
}

/** Chorus ended it, because it answered `/health` and generated nothing. */
export function madeNoToken(deadlineMs: number, reason: string): EngineFailure {
  const message = `it answered /health but made no token within ${formatDuration(deadlineMs)}: ${reason}`;
  return { code: 'no_token', message, remedy: 'Its log file has the error.', retry: 'backoff' };
}

/** Chorus ended it, because it stayed out of rotation. */
export function recoveredTooLate(reason: string): EngineFailure {
  const message = `it did not recover: ${reason}`;
  return { code: 'unhealthy', message, remedy: 'Its log file shows what it did last.', retry: 'backoff' };
}

/** SIGKILL did not end these processes, so their memory is not free either. */
export function unkillable(pids: readonly number[]): EngineFailure {
  const message = `its processes cannot be ended: pid ${pids.join(', ')}`;
  const remedy = 'They hang in the kernel and may hold the card: see dmesg; a reboot ends them.';
  return { code: 'unkillable', message, remedy, retry: 'never' };
}

/** Another Chorus runs engines from the same state directory: sockets and logs would get mixed up. */
export function stateDirectoryInUse(ownerPid: number): EngineFailure {
  const message = `another Chorus (pid ${ownerPid}) runs its engines from this state directory`;
  return { code: 'state_directory_in_use', message, remedy: 'Stop it, or use another --state-dir.', retry: 'never' };
}

/** There is no place for the engines' sockets. */
export function noSocketDirectory(reason: string): EngineFailure {
  const message = `the folder for its socket cannot be made: ${reason}`;
  return { code: 'no_socket_directory', message, remedy: 'Use a shorter or another --state-dir.', retry: 'never' };
}
