import type { FailureMode } from './failure-mode.ts';

const SUPERVISOR_KILLED = 'test/failures/06-supervisor-killed.test.ts';
const CLIENTS_LEAVE = 'test/failures/10-clients-leave.test.ts';
const TAKEN = 'test/failures/20-taken.test.ts';

/** How everything around the engines goes wrong: Chorus itself, its clients, its tools and its host. */
export const SERVICE_MODES: readonly FailureMode[] = [
  {
    number: 5,
    name: 'nvidia-smi hangs, is missing, errs or prints nonsense',
    tests: ['test/gpu/nvidia-smi.test.ts', 'test/gpu/closer-look.test.ts', 'test/gpu/gpu-watch.test.ts'],
    removals: [
      {
        name: 'end of one that hangs',
        file: 'src/gpu/run-nvidia-smi.ts',
        find: 'const result = await Promise.race([child, deadline]);',
        replace: 'const result = await child;',
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
        find: 'const left = records.filter((record) => provenMembers(record).length > 0);',
        replace: 'const left = records.filter((record) => provenMembers(record).length > 1e9);',
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
    number: 9,
    name: 'SIGTERM comes while streams are in flight',
    tests: ['test/e2e/drain.test.ts', 'test/e2e/stop.test.ts'],
    removals: [
      {
        name: 'drain',
        file: 'src/orchestrator.ts',
        find: 'this.#engines.stop(this.#ending.isHurried ? 0 : leftMs)',
        replace: 'this.#engines.stop(this.#ending.isHurried ? leftMs : 0)',
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
        file: 'src/gateway/reply-turn.ts',
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
