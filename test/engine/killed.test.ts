import { afterEach, describe, expect, it } from 'vitest';
import { groupMembers } from '../../src/system/process-group.ts';
import { type EngineBench, startBench } from '../support/engine-bench.ts';

let bench: EngineBench;
const begin = (flags: readonly string[] = []): EngineBench => (bench = startBench(flags));

afterEach(async () => {
  await bench.close();
});

describe('an engine that is killed', () => {
  it('leaves rotation at once, takes its orphans along and comes back as another replica', async () => {
    const { engine, rotation, reached } = begin(['--orphan']);
    await engine.start();
    const [group = 0] = bench.groups;
    expect(groupMembers(group).length).toBeGreaterThan(1);
    process.kill(group, 'SIGKILL');
    await reached('backoff');
    expect(groupMembers(group)).toEqual([]);
    expect(engine.status.sentence).toMatch(/^it was ended from outside by SIGKILL; starts again in \d+ ms$/);
    await reached('ready', 2);
    expect(rotation.calls[0]).toBe('admit e0 #1');
    // Nobody is suspected of what was done by hand.
    expect(rotation.calls).not.toContain('died e0 #1');
    expect(rotation.calls.find((call) => call.startsWith('withdraw'))).toMatch(
      /^withdraw e0: (its process ended|it does not answer: .+)$/,
    );
    expect(rotation.calls.at(-1)).toBe('admit e0 #2');
    expect(engine.status).toMatchObject({ restarts: 1, pid: bench.groups[1] });
  });
});

describe('an engine that the kernel ends for want of memory', () => {
  it('says so, and what helps', async () => {
    const { engine, rotation, machine, events, reached } = begin();
    await engine.start();
    machine.oomKills++;
    process.kill(bench.groups[0] ?? 0, 'SIGKILL');
    await reached('backoff');
    expect(rotation.calls).toContain('died e0 #1');
    expect(engine.status.lastFailure).toEqual({
      code: 'host_out_of_memory',
      message: 'the kernel ended it for want of memory of the host: it was ended from outside by SIGKILL',
      remedy:
        'Give the machine or its container more memory, or start fewer replicas; the kernel log names the process.',
      retry: 'backoff',
    });
    expect(events.at(-1)).toMatchObject({ kind: 'restarting', failureClass: 'out_of_memory' });
  });
});
