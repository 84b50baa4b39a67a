import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { untilStopped } from '../../src/cli/stop-signals.ts';
import { FakeClock } from '../support/fake-clock.ts';

function setUp(reload: (() => void) | null = null) {
  const clock = new FakeClock();
  const signals = new EventEmitter();
  const calls: string[] = [];
  const end = Promise.withResolvers<void>();
  const call = (name: string) => () => {
    calls.push(name);
    return end.promise;
  };
  const exitCode = untilStopped(
    { stop: call('stop'), kill: call('kill') },
    { drainMs: () => 30_000, reload, signals, clock, print: () => {} },
  );
  const send = (signal: string): void => void signals.emit(signal, signal);
  return { clock, send, calls, end, exitCode };
}

it('drains at the first signal and ends with 0', async () => {
  const { send, calls, end, exitCode } = setUp();
  send('SIGTERM');
  end.resolve();
  expect([await exitCode, calls]).toEqual([0, ['stop']]);
});

it('kills at the second signal, and waits no longer at the third', async () => {
  const { clock, send, calls, exitCode } = setUp();
  for (let n = 0; n < 3; n++) {
    send('SIGINT');
    clock.advance(500);
  }
  expect([await exitCode, calls]).toEqual([130, ['stop', 'kill']]);
});

it('takes signals within half a second for one: the terminal and a parent may both tell', () => {
  const { clock, send, calls } = setUp();
  send('SIGINT');
  clock.advance(499);
  send('SIGINT');
  expect(calls).toEqual(['stop']);
  clock.advance(1);
  send('SIGINT');
  expect(calls).toEqual(['stop', 'kill']);
});

it('fails when the end does', async () => {
  const { send, end, exitCode } = setUp();
  send('SIGHUP');
  end.reject(new Error('the disk is gone'));
  await expect(exitCode).rejects.toThrow('the disk is gone');
});

it('takes SIGHUP for a reload, or where it is the end of a terminal for an end', () => {
  let reloads = 0;
  const service = setUp(() => reloads++);
  service.send('SIGHUP');
  expect([reloads, service.calls]).toEqual([1, []]);
  const foreground = setUp(null);
  foreground.send('SIGHUP');
  expect(foreground.calls).toEqual(['stop']);
});
