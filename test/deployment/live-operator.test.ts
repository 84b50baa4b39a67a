import { expect, it } from 'vitest';
import { LiveOperator } from '../../src/deployment/live-operator.ts';
import type { CordonedGpu } from '../../src/deployment/deployment.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { StatusReport } from '../../src/gateway/reports.ts';
import { engineStatus } from '../support/engine-status.ts';
import { FakeClock } from '../support/fake-clock.ts';

const CARD: CordonedGpu = {
  uuid: 'GPU-1',
  index: 1,
  code: 'xid_79',
  reason: 'has fallen off the bus (Xid 79)',
  sentence: '',
  remedy: 'Restart the machine.',
  action: 'cordon',
  sinceMs: 0,
  hasRecovered: false,
};

const { options } = await loadConfig({ config: '/dev/null', stateDir: '/nowhere' }, {});

function setUp(reload: () => Promise<never> = () => Promise.reject(new Refusal('config', 'It is wrong.'))) {
  const asked: string[] = [];
  const note = (word: string) => (engineId: string) => {
    asked.push(`${word} ${engineId}`);
    return Promise.resolve();
  };
  const gpus = [{ index: 1, uuid: 'GPU-1', name: 'a card' }];
  const engines = ['e0', 'e1'].map((engineId) => ({
    ...engineStatus({ engineId, gpus: engineId === 'e1' ? gpus : [] }),
    inFlight: 0,
    served: 0,
  }));
  const end = new AbortController();
  const operator = new LiveOperator({
    engines: { drain: note('drain'), restart: note('restart'), startEngine: note('start') },
    deployment: { options, cordoned: [CARD], reload },
    report: { status: () => ({ engines }) as unknown as StatusReport },
    clock: new FakeClock(),
    ending: end.signal,
  });
  return { operator, asked, end };
}

it('passes orders on and answers with the engine as it was and the time that its answers have', () => {
  const { operator, asked } = setUp();
  const { before, drainMs } = operator.restart('e0');
  expect([before.engineId, drainMs, asked]).toEqual(['e0', 30_000, ['restart e0']]);
});

it('starts nothing on a card that is out of use, and says what to do about it', () => {
  const { operator, asked } = setUp();
  const message =
    'e1 needs GPU 1, which is out of use: it has fallen off the bus (Xid 79). Restart the machine. Then reload.';
  expect(() => operator.start('e1')).toThrow(expect.objectContaining({ errorName: 'card_out_of_use', message }));
  expect(() => operator.restart('e1')).toThrow(message);
  operator.drain('e1');
  expect(asked).toEqual(['drain e1']);
});

it('tells whoever listens how a reload went, and makes a refusal of it', async () => {
  const { operator } = setUp();
  const told: string[] = [];
  operator.announceReloads({ reloading: () => told.push('begins'), reloaded: (sentence) => told.push(sentence) });
  await expect(operator.reload()).rejects.toMatchObject({ status: 409, message: 'Nothing is changed. It is wrong.' });
  expect(told).toEqual(['begins', 'The settings were read again and not taken over.']);
});

it('begins nothing once Chorus ends', async () => {
  const { operator, asked, end } = setUp();
  end.abort();
  expect(() => operator.drain('e0')).toThrow('Chorus is shutting down.');
  await expect(operator.reload()).rejects.toMatchObject({ errorName: 'shutting_down' });
  expect(asked).toEqual([]);
});
