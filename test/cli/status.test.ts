import { expect, it } from 'vitest';
import { describeStatus } from '../../src/cli/status.ts';
import type { StatusReport } from '../../src/gateway/reports.ts';
import { replicasReady, startChorus } from '../support/chorus-process.ts';
import { postResponse } from '../support/responses-client.ts';

it('chorus status tells what is stored and when something expires', async () => {
  const chorus = await startChorus(['--engine', 'simulated', '--replicas', '1']);
  try {
    await replicasReady(chorus, 1, 30_000);
    expect((await chorus.status()).store).toMatchObject({ responses: 0, nextExpiryMs: null, retentionDays: 30 });
    const { body } = await postResponse(chorus.url, { input: 'What is 7 + 8?' });
    const report = await chorus.status();
    const nextExpiryMs = Number(body['expires_at']) * 1000;
    expect(report.store).toMatchObject({ responses: 1, nextExpiryMs, retentionDays: 30 });
    const day = new Date(nextExpiryMs).toISOString().slice(0, 16);
    expect(lineOf(report)).toMatch(
      new RegExp(`^stored: 1 response in \\d+ KiB, each for 30 days; the next goes ${day}Z$`),
    );
    const nothing = { ...report, store: { reason: 'The disk is read-only. Mount it for writing.' } };
    expect(lineOf(nothing)).toBe(
      'nothing is stored, and usage is not recorded: The disk is read-only. Mount it for writing.',
    );
  } finally {
    expect(await chorus.stop()).toBe(0);
  }
});

const lineOf = (report: StatusReport): string | undefined =>
  describeStatus(report, 0)
    .split('\n')
    .find((line) => /^(nothing is )?stored/.test(line));
