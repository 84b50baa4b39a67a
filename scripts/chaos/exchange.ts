import { request } from 'node:http';
import { sleep } from '../../src/domain/clock.ts';
import { systemClock } from '../../src/system/clock.ts';

/** How a client behaves while it is answered. */
export interface Manners {
  /** It leaves after so many bytes of the answer, 0 being at once. */
  readonly leavesAfterBytes?: number;
  /** It stops reading for so long after the first bytes. */
  readonly napMs?: number;
}

/** What a client got. */
export interface Exchange {
  /** Null when no answer began. */
  readonly status: number | null;
  readonly text: string;
  /** `whole`: to its last byte. `left`: the client went away. `broken`: the connection ended before the answer. */
  readonly ending: 'whole' | 'left' | 'broken';
}

/** Posts a body on a connection of its own. Never rejects. */
export function post(url: string, body: object, { leavesAfterBytes, napMs }: Manners = {}): Promise<Exchange> {
  const sent = JSON.stringify(body);
  return new Promise((resolve) => {
    let status: number | null = null;
    let text = '';
    let bytes = 0;
    let left = false;
    const end = (ending: Exchange['ending']): void => resolve({ status, text, ending: left ? 'left' : ending });
    const options = { method: 'POST', agent: false, headers: { 'content-type': 'application/json' } };
    const outgoing = request(url, options, (incoming) => {
      status = incoming.statusCode ?? null;
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => {
        if (bytes === 0 && napMs !== undefined) {
          incoming.pause();
          void sleep(systemClock, napMs).then(() => incoming.resume());
        }
        text += chunk;
        bytes += chunk.length;
        if (leavesAfterBytes !== undefined && bytes >= leavesAfterBytes) leave();
      });
      incoming.on('end', () => end('whole'));
      incoming.on('error', () => end('broken'));
    });
    const leave = (): void => {
      left = true;
      outgoing.destroy();
      end('left');
    };
    outgoing.on('error', () => end('broken'));
    outgoing.end(sent, () => {
      if (leavesAfterBytes === 0) leave();
    });
  });
}
