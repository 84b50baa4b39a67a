import { expect, it } from 'vitest';
import { describeRecord, readRecord } from '../../src/cli/log-record.ts';

it('shows a record as time, level, message and fields; texts of more than a word are quoted', () => {
  const line =
    '{"level":40,"time":"2026-03-14T09:00:00.000Z","engineId":"e0","gpus":[0],"sentence":"it is late","msg":"phase"}';
  const record = readRecord(line) ?? expect.fail('no record');
  expect(describeRecord(record)).toBe(
    '2026-03-14T09:00:00.000Z warn  phase engineId=e0 gpus=[0] sentence="it is late"',
  );
});

it('shows of an error what it says, and not where it was made', () => {
  const record = { time: 't', level: 50, msg: 'sweep failed', err: { message: 'the disk is full', stack: 'at …' } };
  expect(describeRecord(record)).toBe('t error sweep failed error="the disk is full"');
});

it('takes half a line for no record', () => {
  expect([readRecord('{"level":30,"ms'), readRecord('{}'), readRecord('7')]).toEqual([null, null, null]);
});
