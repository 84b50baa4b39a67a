import {
  appendFileSync,
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogFollower } from '../../src/engine/log-follower.ts';
import { readMilestone } from '../../src/engine/milestones.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chorus-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('following a log', () => {
  const clock = new FakeClock();
  let path: string;
  let heard: string[];
  let follower: LogFollower;
  const write = (text: string | Buffer): void => {
    appendFileSync(path, text);
    clock.advance(200);
  };
  beforeEach(() => {
    path = join(folder, 'e0.1.log');
    writeFileSync(path, '');
    heard = [];
    follower = new LogFollower(path, clock, { onLine: (line) => heard.push(line), maxBytes: 4_000_000 });
  });
  afterEach(() => follower.stop());

  it('hears each line once it is whole, bars that redraw themselves included', () => {
    write('one\ntw');
    expect(heard).toEqual(['one']);
    write('o\r\nLoading:  0%\rLoading: 50%\rLoad');
    expect(heard).toEqual(['one', 'two', 'Loading:  0%', 'Loading: 50%']);
  });

  it('removes escape codes and empty lines', () => {
    write('\u001b[1;36m(APIServer)\u001b[0m hello  \n\n');
    expect(heard).toEqual(['(APIServer) hello']);
  });

  it('keeps a character together that two reads bring', () => {
    const bytes = Buffer.from('世界\n');
    write(bytes.subarray(0, 2));
    write(bytes.subarray(2));
    expect(heard).toEqual(['世界']);
  });

  it('cuts a line that does not end', () => {
    for (let n = 0; n < 5; n++) write('x'.repeat(1000));
    write('\nnext\n');
    expect(heard.map((line) => line.length)).toEqual([2000, 4]);
  });

  it('skips ahead in a flood and remembers the last 500 lines', () => {
    write('flood of a line\n'.repeat(200_000) + 'the end\n');
    expect(heard.length).toBeLessThan(70_000);
    expect(follower.lines).toHaveLength(500);
    expect(follower.lines.at(-1)).toBe('the end');
  });

  it('begins the file again when it has grown to its limit, keeps the older part, and hears every line', async () => {
    const first = `${'x'.repeat(99)}\n`.repeat(9000);
    for (let part = 0; part < 5; part++) write(first);
    await eventually('the emptied file', 5000, () => (statSync(path).size === 0 ? true : null));
    expect(statSync(`${path}.old`).size).toBe(4_500_000);
    write('after\n');
    expect(readFileSync(path, 'utf8')).toBe('after\n');
    expect([heard.length, heard.at(-1)]).toEqual([45_001, 'after']);
  });

  it('empties a file at its limit whose name somebody removed, and hears on', async () => {
    const open = openSync(path, 'a');
    rmSync(path);
    writeSync(open, `${'x'.repeat(99)}\n`.repeat(41_000));
    for (let part = 0; part < 5; part++) clock.advance(200);
    await eventually('the emptied file', 5000, () => (fstatSync(open).size === 0 ? true : null));
    writeSync(open, 'after\n');
    clock.advance(200);
    closeSync(open);
    expect(heard.at(-1)).toBe('after');
  });

  it('hears what comes after somebody else emptied the file', () => {
    write('a long line before\n');
    truncateSync(path);
    write('after\n');
    expect(heard).toEqual(['a long line before', 'after']);
  });

  it('reads what is left when it stops, and nothing after that', () => {
    appendFileSync(path, 'last words without an end');
    follower.stop();
    expect(follower.lines).toEqual(['last words without an end']);
    follower.stop();
    write('too late\n');
    expect([heard, clock.pendingTimers]).toEqual([['last words without an end'], 0]);
  });
});

describe('milestones', () => {
  /** Lines of vLLM 0.32 on the CPU, and of GPU builds. */
  const LINES: readonly (readonly [line: string, progress: string | null])[] = [
    [
      '(APIServer pid=1) INFO 11-24 [model.py:733] Resolved architecture: GptOssForCausalLM',
      'starting the engine process',
    ],
    [
      '(EngineCore pid=2) INFO 11-24 [core.py:133] Initializing a V1 LLM engine (v0.32.0) with config: x',
      'starting the workers',
    ],
    ['(Worker pid=3) INFO 11-24 [cpu_model_runner.py:68] Starting to load model /m...', 'loading weights'],
    ['Loading safetensors checkpoint shards:  40% Completed | 6/15 [00:04<00:06,  1.42it/s]', 'loading weights (40 %)'],
    ['(EngineCore pid=2) INFO [backends.py:1] Dynamo bytecode transform time: 4.5 s', 'compiling'],
    ['(EngineCore pid=2) INFO [kv_cache_utils.py:2327] GPU KV cache size: 671,088 tokens', 'warming up'],
    [
      'Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  42%|####      | 35/83 [00:02<00:03]',
      'capturing CUDA graphs (42 %)',
    ],
    [
      '(EngineCore pid=2) INFO init engine (profile, create kv cache, warmup model) took 1.94 s',
      'starting the API server',
    ],
    ['INFO:     Application startup complete.', null],
  ];

  it('tell what a start does', () => {
    expect(LINES.map(([line]) => [line, readMilestone(line)?.sentence ?? null])).toEqual(LINES);
  });
});
