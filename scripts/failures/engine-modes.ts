import type { FailureMode } from './failure-mode.ts';

const LEADER_DIES = 'test/failures/01-leader-dies.test.ts';
const HANG = 'test/failures/02-hang.test.ts';
const ASKS_TOO_MUCH = 'test/failures/03-asks-too-much.test.ts';
const MEMORY_HELD = 'test/failures/04-memory-held.test.ts';
const CRASH_LOOP = 'test/failures/07-crash-loop.test.ts';
const START_RACES = 'test/failures/08-start-races.test.ts';
const LOG_FLOOD = 'test/failures/12-log-flood.test.ts';
const HOST_OUT_OF_MEMORY = 'test/failures/16-host-out-of-memory.test.ts';

/** How engines and their cards go wrong. */
export const ENGINE_MODES: readonly FailureMode[] = [
  {
    number: 1,
    name: 'an API server dies and its EngineCore and workers keep the memory of the cards',
    tests: [LEADER_DIES],
    removals: [
      {
        name: 'group sweep',
        file: 'src/engine/engine-run.ts',
        find: 'this.#group === null ? []',
        replace: 'this.#group !== null ? []',
        tests: [LEADER_DIES],
      },
    ],
  },
  {
    number: 2,
    name: 'an engine hangs, and its /health says 200',
    tests: [HANG, 'test/engine/work-watch.test.ts', 'test/engine/judge-look.test.ts'],
    removals: [
      {
        name: 'stall watch',
        file: 'src/engine/work-watch.ts',
        find: 'if (sample.awaiting === 0 || stillMs < deadlineMs) return null;',
        replace: 'if (sample.awaiting >= 0 || stillMs < deadlineMs) return null;',
        tests: [HANG],
      },
      {
        name: 'progress as an excuse for a slow /health',
        file: 'src/engine/judge-look.ts',
        find: "const missed = health.kind === 'slow' && !moved;",
        replace: "const missed = health.kind === 'slow';",
        tests: ['test/engine/judge-look.test.ts'],
      },
    ],
  },
  {
    number: 3,
    name: 'a start asks for more memory than the card has',
    tests: [ASKS_TOO_MUCH],
    removals: [
      {
        name: 'adapted restart',
        file: 'src/deployment/build-engines.ts',
        find: 'const adapted = adaptProfile(placement, code, estimate);',
        replace: 'const adapted = adaptProfile(placement, `no ${code}`, estimate);',
        tests: [ASKS_TOO_MUCH],
      },
    ],
  },
  {
    number: 4,
    name: 'the memory of a card is not free yet, or somebody else holds it',
    tests: [MEMORY_HELD, 'test/engine/card-memory.test.ts'],
    removals: [
      {
        name: 'look at the memory before a start',
        file: 'src/deployment/build-engines.ts',
        find: 'const gpuMemory = gpuSight && gpuMemoryReader(gpuSight);',
        replace: 'const gpuMemory = gpuSight && gpuMemoryReader(gpuSight) && null;',
        tests: [MEMORY_HELD],
      },
    ],
  },
  {
    number: 7,
    name: 'an engine crashes again and again',
    tests: [CRASH_LOOP, 'test/engine/restart.test.ts'],
    removals: [
      {
        name: 'budget of restarts',
        file: 'src/engine/restart.ts',
        find: 'const budgetSpent = failuresInARow >= policy.maxFailuresInARow;',
        replace: 'const budgetSpent = failuresInARow >= 1000 * policy.maxFailuresInARow;',
        tests: [CRASH_LOOP],
      },
      {
        name: 'backoff',
        file: 'src/engine/restart.ts',
        find: 'policy.firstDelayMs * 2 ** (failuresInARow - 1)',
        replace: 'policy.firstDelayMs * 1 ** (failuresInARow - 1)',
        tests: ['test/engine/restart.test.ts'],
      },
    ],
  },
  {
    number: 8,
    name: 'starts race for ports, caches and memory',
    tests: [START_RACES, 'test/engine/fleet.test.ts', 'test/engine/restart.test.ts'],
    removals: [
      {
        name: 'free retry after a collision',
        file: 'src/engine/restart.ts',
        find: "failure.retry === 'at_once' && before",
        replace: "failure.retry === 'never' && before",
        tests: [START_RACES],
      },
      {
        name: 'the first engine alone',
        file: 'src/engine/fleet.ts',
        find: "first?.placement.kind === 'gpu' ? first : null",
        replace: "first?.placement.kind === 'cpu' ? first : null",
        tests: ['test/engine/fleet.test.ts'],
      },
    ],
  },
  {
    number: 12,
    name: 'an engine floods its log',
    tests: [LOG_FLOOD, 'test/engine/log.test.ts'],
    removals: [
      {
        name: 'rotation',
        file: 'src/engine/log-follower.ts',
        find: 'if (this.#offset > this.#options.maxBytes && !this.#beginsAgain)',
        replace: 'if (this.#offset > 1e15 && !this.#beginsAgain)',
        tests: [LOG_FLOOD],
      },
      {
        name: 'a file in place of a pipe',
        file: 'src/engine/process.ts',
        find: 'stdout: log,',
        replace: "stdout: 'pipe',",
        tests: [LOG_FLOOD],
      },
    ],
  },
  {
    number: 16,
    name: 'the kernel ends an engine for want of memory; the limits of the machine are too low',
    tests: [HOST_OUT_OF_MEMORY, 'test/doctor/doctor.test.ts'],
    removals: [
      {
        name: 'reason of the kernel',
        file: 'src/engine/diagnose.ts',
        find: "if (oomKilled && (known === null || known.code === 'engine_died')) return hostOutOfMemory(exit);",
        replace: '',
        tests: [HOST_OUT_OF_MEMORY],
      },
    ],
  },
];
