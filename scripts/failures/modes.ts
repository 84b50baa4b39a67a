/** An edit of the source that takes a remedy away: tests that pass without it would prove nothing. */
export interface RemedyRemoval {
  /** What is taken away, in a few words. */
  readonly name: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** The tests of the mode that must fail then. */
  readonly tests: readonly string[];
}

/** One way in which a GPU service goes wrong, and the tests that show it going on. */
export interface FailureMode {
  readonly number: number;
  readonly name: string;
  readonly tests: readonly string[];
  readonly removals: readonly RemedyRemoval[];
}

const LEADER_DIES = 'test/failures/01-leader-dies.test.ts';
const HANG = 'test/failures/02-hang.test.ts';
const ASKS_TOO_MUCH = 'test/failures/03-asks-too-much.test.ts';
const MEMORY_HELD = 'test/failures/04-memory-held.test.ts';
const SUPERVISOR_KILLED = 'test/failures/06-supervisor-killed.test.ts';
const CRASH_LOOP = 'test/failures/07-crash-loop.test.ts';
const START_RACES = 'test/failures/08-start-races.test.ts';
const CLIENTS_LEAVE = 'test/failures/10-clients-leave.test.ts';
const LOG_FLOOD = 'test/failures/12-log-flood.test.ts';
const HOST_OUT_OF_MEMORY = 'test/failures/16-host-out-of-memory.test.ts';
const TAKEN = 'test/failures/20-taken.test.ts';

/** In the words of an operator; the numbers are those of the list that the suite is made from. */
export const FAILURE_MODES: readonly FailureMode[] = [
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
        file: 'src/deployment/build-fleet.ts',
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
        file: 'src/deployment/build-fleet.ts',
        find: 'const gpuMemory = gpuSight && gpuMemoryReader(gpuSight);',
        replace: 'const gpuMemory = gpuSight && gpuMemoryReader(gpuSight) && null;',
        tests: [MEMORY_HELD],
      },
    ],
  },
  {
    number: 5,
    name: 'nvidia-smi hangs, is missing, errs or prints nonsense',
    tests: ['test/gpu/nvidia-smi.test.ts', 'test/gpu/closer-look.test.ts', 'test/gpu/gpu-watch.test.ts'],
    removals: [
      {
        name: 'deadline of an answer',
        file: 'src/gpu/run-nvidia-smi.ts',
        find: 'return Promise.race([turn, deadline.promise.then(() => HUNG)]).finally(cancel);',
        replace: 'return turn.finally(cancel);',
        tests: ['test/gpu/nvidia-smi.test.ts'],
      },
      {
        name: 'no second one beside one that hangs',
        file: 'src/gpu/run-nvidia-smi.ts',
        find: 'this.#lane.isAbandoned = true;',
        replace: 'this.#lane.isAbandoned = false;',
        tests: ['test/gpu/closer-look.test.ts', 'test/gpu/gpu-watch.test.ts'],
      },
    ],
  },
  {
    number: 6,
    name: 'Chorus is killed with SIGKILL and its engines live on',
    tests: [SUPERVISOR_KILLED, 'test/engine/fleet.test.ts', 'test/system/parent-death.test.ts'],
    removals: [
      {
        name: 'start-up reaper',
        file: 'src/engine/run-record.ts',
        find: 'const left = records.filter(({ record }) => provenMembers(record).length > 0);',
        replace: 'const left = records.filter(({ record }) => provenMembers(record).length > 1e9);',
        tests: [SUPERVISOR_KILLED],
      },
      {
        name: 'check of the start time',
        file: 'src/system/process-group.ts',
        find: 'return leaderTicks === leaderStartTicks ? members : [];',
        replace: 'return leaderTicks === leaderStartTicks || leaderTicks > 0 ? members : [];',
        tests: [SUPERVISOR_KILLED],
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
    number: 9,
    name: 'SIGTERM comes while streams are in flight',
    tests: ['test/e2e/drain.test.ts', 'test/e2e/stop.test.ts'],
    removals: [
      {
        name: 'drain',
        file: 'src/orchestrator.ts',
        find: 'this.#fleet.stop(this.#ending.isHurried ? 0 : leftMs)',
        replace: 'this.#fleet.stop(this.#ending.isHurried ? leftMs : 0)',
        tests: ['test/e2e/drain.test.ts'],
      },
      {
        name: 'second signal',
        file: 'src/cli/stop-signals.ts',
        find: 'target.kill().then(ended, reject);',
        replace: '',
        tests: ['test/e2e/stop.test.ts'],
      },
    ],
  },
  {
    number: 10,
    name: 'clients leave or read slowly in mid-answer',
    tests: [CLIENTS_LEAVE, 'test/gateway/sse-reply.test.ts'],
    removals: [
      {
        name: 'abort when a client leaves',
        file: 'src/gateway/routes/responses.ts',
        find: 'if (!raw.writableFinished) controller.abort(',
        replace: 'if (raw.writableFinished) controller.abort(',
        tests: [CLIENTS_LEAVE],
      },
      {
        name: 'pause for a slow reader',
        file: 'src/gateway/sse-reply.ts',
        find: 'this.#flow.pause();',
        replace: '',
        tests: ['test/gateway/sse-reply.test.ts'],
      },
    ],
  },
  {
    number: 11,
    name: 'a replica dies in the middle of answers',
    tests: ['test/e2e/failover.test.ts', 'test/turn/after-failure.test.ts'],
    removals: [
      {
        name: 'going on with another replica',
        file: 'src/turn/after-failure.ts',
        find: "if (obstacle === null) return { kind: outputTokens > 0 ? 'move' : 'retry' };",
        replace: '',
        tests: ['test/e2e/failover.test.ts'],
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
  {
    number: 17,
    name: 'the event loop stands still',
    tests: [
      'test/metrics/telemetry.test.ts',
      'test/metrics/control-loop.test.ts',
      'test/metrics/stall-watch.test.ts',
      'test/system/service-manager.test.ts',
    ],
    removals: [
      {
        name: 'count of pauses',
        file: 'src/metrics/stall-watch.ts',
        find: 'if (pauseMs >= STALL_MS) this.#onStall(pauseMs);',
        replace: '',
        tests: ['test/metrics/telemetry.test.ts', 'test/metrics/stall-watch.test.ts'],
      },
      {
        name: 'watchdog fed by the control loop alone',
        file: 'src/system/service-manager.ts',
        find: "watchdogMs !== null && isAlive() ? { WATCHDOG: '1' }",
        replace: "watchdogMs !== null ? { WATCHDOG: '1' }",
        tests: ['test/system/service-manager.test.ts'],
      },
    ],
  },
  {
    number: 18,
    name: 'the contract with systemd or Kubernetes is broken',
    tests: [
      'test/deploy/systemd.test.ts',
      'test/deploy/kubernetes.test.ts',
      'test/system/service-manager.test.ts',
      'test/engine/command.test.ts',
    ],
    removals: [
      {
        name: 'READY not before a token',
        file: 'src/system/service-manager.ts',
        find: "if (this.#phase === 'starting' && ready) {",
        replace: "if (this.#phase === 'starting') {",
        tests: ['test/system/service-manager.test.ts'],
      },
      {
        name: 'clean environment of children',
        file: 'src/engine/command.ts',
        find: '|NOTIFY_SOCKET|LISTEN_.*|WATCHDOG_.*',
        replace: '',
        tests: ['test/engine/command.test.ts'],
      },
    ],
  },
  {
    number: 20,
    name: 'a port or socket is taken, or two Chorus share a state directory',
    tests: [TAKEN, 'test/engine/engine.test.ts', 'test/engine/fleet.test.ts'],
    removals: [
      {
        name: 'stale socket removed',
        file: 'src/engine/engine-run.ts',
        find: 'rmSync(socketPath, { force: true }); // vLLM',
        replace: '// vLLM',
        tests: ['test/engine/engine.test.ts'],
      },
      {
        name: 'check of the port before anything else',
        file: 'src/cli/serve.ts',
        find: 'if (refusal) throw refusal;',
        replace: '',
        tests: [TAKEN],
      },
    ],
  },
];
