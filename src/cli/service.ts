import type { ServeOptions } from '../config/options.ts';
import { formatDuration } from '../domain/units.ts';
import type { StatusReport } from '../gateway/reports.ts';
import { monotonicUsec, systemClock } from '../system/clock.ts';
import { findListeningSocket, type ListeningSocket } from '../system/listening-socket.ts';
import { NotifyChannel } from '../system/notify-channel.ts';
import type { ServiceEnvironment } from '../system/service-environment.ts';
import { ServiceManager, type ServiceReport } from '../system/service-manager.ts';

type Print = (line: string) => void;

/** What is told of a server, and whose end is announced. */
interface Served {
  status(): Omit<StatusReport, 'store'>;
  onChange(listener: () => void): void;
  isAlive(): boolean;
}

/**
 * Begins to tell the service manager how the server is; null where none listens (NOTIFY_SOCKET). `close` of what it
 * gives ends it.
 */
export function connectService(
  { notifySocket, watchdogMs }: ServiceEnvironment,
  server: Served,
  warn: Print,
): ServiceManager | null {
  if (notifySocket === null) return null;
  const manager = new ServiceManager({
    clock: systemClock,
    channel: new NotifyChannel({ socket: notifySocket, path: process.env['PATH'], warn }),
    report: () => serviceReport(server.status()),
    isAlive: () => server.isAlive(),
    watchdogMs,
    monotonicUsec,
  });
  server.onChange(() => manager.changed());
  return manager;
}

function serviceReport({ ready, reason, setup, engines }: Omit<StatusReport, 'store'>): ServiceReport {
  const mayBecomeReady = setup.length > 0 || engines.some((engine) => engine.mayBecomeReady);
  return { ready, mayBecomeReady, sentence: reason };
}

/** From the last answer to the end of the process: engines may hang as long as they are given, and then be killed. */
const END_MS = 30_000;

/** Announces the end to the service manager before it begins. */
export function announceStop(service: ServiceManager | null, drainMs: number): void {
  service?.stopping(drainMs + END_MS, `Stopping: running answers may finish for ${formatDuration(drainMs)}.`);
}

/** The options with the address of the socket that the service manager passed, if it passed one. */
export function listenAsTold(
  options: ServeOptions,
  { sockets }: ServiceEnvironment,
  print: Print,
): { readonly options: ServeOptions; readonly socket: ListeningSocket | null } {
  const socket = findListeningSocket(sockets);
  if (socket === null) return { options, socket };
  const { host, port } = socket;
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  print(
    `Listening on the socket that the service manager opened (${address}): server.host and server.port have no effect.`,
  );
  return { options: { ...options, host, port }, socket };
}
