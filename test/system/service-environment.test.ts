import { expect, it } from 'vitest';
import { takeServiceEnvironment } from '../../src/system/service-environment.ts';

const NOTHING = { notifySocket: null, watchdogMs: null, sockets: [] };

it('reads what the service manager told, and leaves nothing of it to children', () => {
  const environment = {
    PATH: '/usr/bin',
    NOTIFY_SOCKET: '/run/systemd/notify',
    WATCHDOG_USEC: '60000000',
    WATCHDOG_PID: '42',
    LISTEN_FDS: '2',
    LISTEN_PID: '42',
    LISTEN_FDNAMES: 'http:metrics',
  };
  expect(takeServiceEnvironment(environment, 42)).toEqual({
    notifySocket: '/run/systemd/notify',
    watchdogMs: 60_000,
    sockets: [
      { descriptor: 3, name: 'http' },
      { descriptor: 4, name: 'metrics' },
    ],
  });
  expect(environment).toEqual({ PATH: '/usr/bin' });
});

it('leaves to another process what is meant for it', () => {
  const environment = { WATCHDOG_USEC: '60000000', WATCHDOG_PID: '41', LISTEN_FDS: '1', LISTEN_PID: '41' };
  expect(takeServiceEnvironment(environment, 42)).toEqual(NOTHING);
});

it('takes a watchdog without a pid for its own', () => {
  expect(takeServiceEnvironment({ WATCHDOG_USEC: '500000' }, 42)).toEqual({ ...NOTHING, watchdogMs: 500 });
});

it('takes sockets without names', () => {
  const { sockets } = takeServiceEnvironment({ LISTEN_FDS: '1', LISTEN_PID: '42' }, 42);
  expect(sockets).toEqual([{ descriptor: 3, name: '' }]);
});

it.each([{}, { NOTIFY_SOCKET: '', LISTEN_FDS: '' }, { LISTEN_FDS: 'two', LISTEN_PID: '42', WATCHDOG_USEC: 'soon' }])(
  'makes nothing of %j',
  (environment) => {
    expect(takeServiceEnvironment(environment, 42)).toEqual(NOTHING);
  },
);
