import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Connections } from '../../src/upstream/connections.ts';
import type { Exchange } from '../../src/upstream/exchange.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { startRawServer, type RawServer } from '../support/raw-server.ts';

const REQUEST = 'POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

describe('a unix socket that lets few connections wait', () => {
  const clock = new FakeClock();
  let server: RawServer;
  let connections: Connections;
  const ends: string[] = [];

  beforeEach(async () => {
    ends.length = 0;
    server = await startRawServer('unix', (socket) => socket.on('data', () => socket.write(ANSWER)), 4);
    connections = new Connections(server.address, clock);
  });
  afterEach(async () => {
    await connections.close();
    await server.close();
    expect(clock.pendingTimers).toBe(0);
  });

  const send = (): Exchange =>
    connections.send(REQUEST, {
      onHead: () => {},
      onBody: () => {},
      onRead: () => {},
      onComplete: () => void ends.push('complete'),
      onFailed: (reason) => void ends.push(reason),
    });
  const ended = (count: number): Promise<true> =>
    eventually(`${count} ends`, 10_000, () => {
      clock.advance(20);
      return ends.length >= count ? true : null;
    });

  it('is tried again until it has let all of them in', async () => {
    for (let count = 0; count < 50; count++) send();
    await ended(50);
    expect(ends).toEqual(Array(50).fill('complete'));
  });

  it('is not tried for one that was aborted, and fails the rest as cut when everything is closed', async () => {
    const exchanges = Array.from({ length: 50 }, send);
    await ended(1);
    for (const exchange of exchanges.slice(25)) exchange.abort();
    await connections.close();
    expect(ends.length).toBeLessThanOrEqual(25);
    expect(new Set(ends)).toEqual(new Set(['complete', 'cut']));
    const count = ends.length;
    clock.advance(1000);
    await connections.close();
    expect(ends).toHaveLength(count);
  });
});
