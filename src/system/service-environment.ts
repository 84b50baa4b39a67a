/** A socket that the service manager opened for us (sd_listen_fds(3)). */
export interface PassedSocket {
  readonly descriptor: number;
  /** `FileDescriptorName=` of its unit. */
  readonly name: string;
}

/** What a service manager told this process in its environment (sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3)). */
export interface ServiceEnvironment {
  /** `NOTIFY_SOCKET`: where it listens; null where nobody does. */
  readonly notifySocket: string | null;
  /** `WATCHDOG_USEC`: it ends us after so much silence; null: never. */
  readonly watchdogMs: number | null;
  readonly sockets: readonly PassedSocket[];
}

type Environment = Record<string, string | undefined>;

const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES'];
const FIRST_DESCRIPTOR = 3;

/**
 * Reads what was told to the process `pid` and removes the variables from `environment`, so that no child speaks in our
 * name or takes our sockets for its own.
 */
export function takeServiceEnvironment(environment: Environment, pid: number): ServiceEnvironment {
  const told = Object.fromEntries(VARIABLES.map((name) => [name, environment[name] ?? '']));
  for (const name of VARIABLES) delete environment[name];
  const { NOTIFY_SOCKET: notifySocket = '', WATCHDOG_USEC: watchdogUsec } = told;
  const isOurs = (owner: string | undefined): boolean => owner === String(pid);
  // Without a pid the watchdog is meant for whoever reads it.
  const watchdogIsOurs = told['WATCHDOG_PID'] === '' || isOurs(told['WATCHDOG_PID']);
  const watchdogMs = watchdogIsOurs ? Number(watchdogUsec) / 1000 : 0;
  return {
    notifySocket: notifySocket === '' ? null : notifySocket,
    watchdogMs: watchdogMs > 0 ? watchdogMs : null,
    sockets: isOurs(told['LISTEN_PID']) ? passedSockets(told['LISTEN_FDS'], told['LISTEN_FDNAMES']) : [],
  };
}

function passedSockets(count: string | undefined, names = ''): PassedSocket[] {
  const named = names.split(':');
  const length = /^\d{1,4}$/.test(count ?? '') ? Number(count) : 0;
  return Array.from({ length }, (_, at) => ({ descriptor: FIRST_DESCRIPTOR + at, name: named[at] ?? '' }));
}
