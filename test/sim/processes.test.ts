import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { groupMembers } from '../../src/system/process-group.ts';
import { systemClock } from '../../src/system/clock.ts';
import { createUpstream } from '../../src/upstream/upstream.ts';
import { questionPrompt } from '../support/converse.ts';
import { startSimulator, type EngineProcess } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';
import { runTokenStream, type RunningTokenStream } from '../support/run-token-stream.ts';
import { SAMPLING } from '../support/scripted-streams.ts';

const upstream = createUpstream({ clock: systemClock, stallTimeoutMs: 20_000 });
let engine: EngineProcess;

afterEach(async () => {
  await engine.kill();
  await upstream.closeReplica('e0');
});

/** An engine in the middle of a story that takes many seconds. */
async function storyteller(): Promise<RunningTokenStream> {
  engine = startSimulator({ flags: ['--sim-processes', '--sim-token-interval-ms', '50'] });
  await engine.ready;
  const story = runTokenStream(upstream.openTokenStream, {
    replica: engine.replica(),
    promptTokenIds: questionPrompt('Tell me a long story.'),
    sampling: { ...SAMPLING, max_tokens: 600 },
    requestId: 'req_1',
    cacheSalt: null,
  });
  await story.arrived(3);
  return story;
}

const leader = (): number => engine.process.pid ?? 0;

/** The member of the engine's group with this name; the kernel keeps 15 bytes of it. */
function member(name: string): number {
  const found = groupMembers(leader()).find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name);
  return found ?? expect.fail(`no ${name}`);
}

describe('an engine with processes of its own', () => {
  it.each(['VLLM::EngineCor', 'VLLM::Worker'])('ends as vLLM does when its %s is killed', async (name) => {
    const story = await storyteller();
    process.kill(member(name), 'SIGKILL');
    expect(await story.end).toMatchObject({ kind: 'failed', failure: { reason: 'engine_error', status: 500 } });
    expect(await engine.exit).toEqual({ exitCode: 0, signal: null });
    await eventually('the end of the group', 5000, () => (groupMembers(leader()).length === 0 ? true : null));
  });

  it('leaves both of them when its server is killed, and they ignore SIGTERM', async () => {
    await storyteller();
    const children = [member('VLLM::EngineCor'), member('VLLM::Worker')];
    process.kill(leader(), 'SIGKILL');
    await engine.exit;
    process.kill(-leader(), 'SIGTERM');
    expect(groupMembers(leader())).toEqual(children);
  });

  it('hangs and stays healthy while its EngineCore is stopped, and then goes on', async () => {
    const story = await storyteller();
    process.kill(member('VLLM::EngineCor'), 'SIGSTOP');
    await eventually('silence', 10_000, async () => {
      const before = story.tokenIds().length;
      await new Promise((resolve) => systemClock.schedule(300, () => resolve(null)));
      return story.tokenIds().length === before || null;
    });
    const heard = story.tokenIds().length;
    expect((await engine.ask('/health')).status).toBe(200);
    process.kill(member('VLLM::EngineCor'), 'SIGCONT');
    await story.arrived(heard + 3);
  });

  it('ends them in an orderly end', async () => {
    const story = await storyteller();
    story.stream.abort();
    const children = [member('VLLM::EngineCor'), member('VLLM::Worker')];
    engine.process.kill('SIGTERM');
    expect(await engine.exit).toEqual({ exitCode: 0, signal: null });
    await eventually('their end', 5000, () =>
      children.some((pid) => groupMembers(leader()).includes(pid)) ? null : true,
    );
  });
});
