import { expect, it } from 'vitest';
import { describeStatus } from '../../src/cli/status.ts';
import type { StatusReport } from '../../src/gateway/reports.ts';
import { engineStatus } from '../support/engine-status.ts';

const AT_MS = Date.UTC(2026, 2, 14, 9, 0, 0);
const gpu = (index: number) => ({ index, uuid: `GPU-${index}`, name: 'NVIDIA L4' });

const WELL: StatusReport = {
  version: '0.1.0',
  pid: 7,
  url: 'http://127.0.0.1:8000',
  simulated: false,
  ready: true,
  reason: '2 of 2 replicas in rotation.',
  setup: [],
  engines: [0, 1].map((index) => ({
    ...engineStatus({
      engineId: `e${index}`,
      phase: 'ready',
      sentence: 'in rotation',
      pid: 20 + index,
      gpus: [gpu(index)],
    }),
    recent: [
      { kind: 'started', engineId: `e${index}`, generation: 1, atMs: AT_MS },
      { kind: 'ready', engineId: `e${index}`, generation: 1, atMs: AT_MS, startMs: 40_000 },
    ],
    inFlight: 0,
    served: 0,
  })),
  plan: { model: 'gpt-oss-20b', placements: [], rejections: [], summary: '', reasons: [], notServed: {} },
  cordoned: [],
  gpuWatch: null,
  roll: null,
  usageWebhook: null,
  store: {
    responses: 3,
    bytes: 4096,
    nextExpiryMs: null,
    retentionDays: 30,
    usage: { deliveredPosition: 0, undeliveredRows: 0, undeliveredSinceMs: null },
  },
};

it('is short where all is well', () => {
  expect(describeStatus(WELL, AT_MS)).toBe(
    [
      'chorus 0.1.0  pid 7  http://127.0.0.1:8000',
      'ready: 2 of 2 replicas in rotation.',
      'stored: 3 responses in 4 KiB, each for 30 days',
      '',
      'ENGINE  MODEL        GPUS  PHASE  IN FLIGHT  RESTARTS  PID',
      'e0      gpt-oss-20b  0     ready  0          0         20   in rotation',
      'e1      gpt-oss-20b  1     ready  0          0         21   in rotation',
    ].join('\n'),
  );
});

it('tells that cards cannot be seen', () => {
  const problem = {
    code: 'x',
    severity: 'warning',
    message: 'nvidia-smi hangs.',
    remedy: 'Restart the machine.',
  } as const;
  const gpuWatch = { ageMs: 45_000, isStale: true, problem, kernelLog: { kind: 'opening' }, cordoned: [] } as const;
  expect(describeStatus({ ...WELL, gpuWatch }, AT_MS).split('\n')[2]).toBe(
    'cards are not watched: nvidia-smi has not answered for 45 s: nvidia-smi hangs. Restart the machine.',
  );
});

it('tells how far behind the receiver of usage is, and why', () => {
  const lineOf = (problem: string | null, undeliveredRows: number): string | undefined => {
    const usage = {
      deliveredPosition: 7,
      undeliveredRows,
      undeliveredSinceMs: undeliveredRows === 0 ? null : AT_MS - 200_000,
    };
    const usageWebhook = { problem, failures: 3, nextAttemptMs: problem === null ? null : AT_MS + 4000 };
    const store = { ...WELL.store, usage } as StatusReport['store'];
    return describeStatus({ ...WELL, usageWebhook, store }, AT_MS).split('\n')[3];
  };
  expect(lineOf(null, 0)).toBe('usage: the webhook has taken all of it');
  expect(lineOf(null, 1)).toBe('usage: 1 request waits for the webhook, the first for 3 min 20 s');
  expect(lineOf('it answered 500', 1200)).toBe(
    'usage: 1,200 requests wait for the webhook, the first for 3 min 20 s: it answered 500; next attempt in 4 s',
  );
});

it('tells after trouble what happened, what goes on, and what to do', () => {
  const [e0, e1] = WELL.engines;
  if (!e0 || !e1) throw new Error('two engines');
  const failure = {
    code: 'gpu_busy',
    message: 'its card is full',
    remedy: 'End pid 99 (python3).',
    retry: 'backoff',
  } as const;
  const event = { engineId: 'e0', generation: 2 };
  const report: StatusReport = {
    ...WELL,
    reason: '1 of 2 replicas in rotation.',
    roll: { reason: 'GPU 2 is out of use', sinceMs: AT_MS, held: null },
    engines: [
      {
        ...e0,
        phase: 'backoff',
        sentence: 'its card is full; starts again in 9 s',
        pid: null,
        restarts: 1,
        lastFailure: failure,
        recent: [
          ...e0.recent,
          {
            ...event,
            kind: 'ejected',
            atMs: AT_MS + 1000,
            cause: 'stalled',
            reason: 'no token for 45 s while 3 requests wait',
          },
          {
            ...event,
            kind: 'restarting',
            atMs: AT_MS + 5000,
            delayMs: 9000,
            failureClass: 'transient',
            code: 'gpu_busy',
            reason: 'its card is full',
          },
        ],
      },
      { ...e1, phase: 'stopped', sentence: 'stopped', pid: null },
    ],
    cordoned: [
      {
        uuid: 'GPU-2',
        index: 2,
        code: 'xid_79',
        reason: 'has fallen off the bus (Xid 79)',
        sentence: 'GPU 2 (NVIDIA L4) has fallen off the bus (Xid 79).',
        remedy: 'Restart the machine.',
        action: 'cordon',
        sinceMs: AT_MS,
        hasRecovered: false,
      },
    ],
  };
  expect(
    describeStatus(report, AT_MS + 8000)
      .split('\n')
      .slice(1),
  ).toEqual([
    'ready: 1 of 2 replicas in rotation.',
    'changing for 8 s, one engine after another, because GPU 2 is out of use',
    'stored: 3 responses in 4 KiB, each for 30 days',
    '',
    'ENGINE  MODEL        GPUS  PHASE    IN FLIGHT  RESTARTS  PID',
    'e0      gpt-oss-20b  0     backoff  0          1         -    its card is full; starts again in 9 s',
    'e1      gpt-oss-20b  1     stopped  0          0         -    stopped',
    '',
    'Out of use:',
    '  2026-03-14 09:00:00Z  GPU 2 (NVIDIA L4) has fallen off the bus (Xid 79).',
    '',
    'Lately:',
    '  2026-03-14 09:00:01Z  e0  taken out of rotation: no token for 45 s while 3 requests wait',
    '  2026-03-14 09:00:05Z  e0  to be started again in 9 s: its card is full',
    '',
    'What you can do:',
    '  e0: End pid 99 (python3). (it goes on trying meanwhile; `chorus logs e0` tells more)',
    '  e1: it was stopped; `chorus start e1` starts it.',
    '  GPU 2: Restart the machine. Then `chorus reload` takes it back into use.',
  ]);
});
