import { join } from 'node:path';
import type { CancelTimer } from '../domain/clock.ts';
import type { Finding, Gpu, GpuFault } from '../domain/gpu.ts';
import { askList, type ListAnswer } from './ask-list.ts';
import { HEALTH_FIELDS, readCondition } from './health.ts';
import { cardOf, kernelFault } from './kernel-fault.ts';
import { followKernelLog, type KernelLogState } from './kernel-log.ts';
import { KernelLogReader, type KernelLogEvent } from './kernel-log-lines.ts';
import { NO_DEVICES, nvidiaSmiFinding } from './nvidia-smi-findings.ts';
import { openNvidiaSmi, type NvidiaSmiPlace } from './open-nvidia-smi.ts';
import { pciSlot } from './pci-devices.ts';
import { listQuestion } from './run-nvidia-smi.ts';
import { afterKernelFault, afterLook, watched, type Learned, type Sighting, type WatchedCard } from './watched-card.ts';
import { XID_RECOVERY_ACTION_CHANGED } from './xid.ts';

export interface GpuWatchOptions extends NvidiaSmiPlace {
  /** Those to look after, as planning saw them; one that waited for a reset then is not used and left alone. */
  readonly gpus: readonly Gpu[];
  /** Told once: a card that is out of service tells no other fault until it has recovered. */
  readonly onFault: (fault: GpuFault) => void;
  /** The card of a `cordon` is well again; told with the fault that was told. */
  readonly onRecovery: (fault: GpuFault) => void;
  /** Stands for `/dev/kmsg`. */
  readonly kernelLogFile?: string;
}

/** How much the watch sees. */
export interface GpuWatchStatus {
  /** Time since nvidia-smi answered last; null before the first answer. */
  readonly ageMs: number | null;
  /** The last answer is older than it should be: nvidia-smi hangs or fails. */
  readonly isStale: boolean;
  /** Why the last question had no answer; null when it had one. */
  readonly problem: Finding | null;
  readonly kernelLog: KernelLogState;
  /** One fault for each card that is out of service. */
  readonly cordoned: readonly GpuFault[];
}

const INTERVAL_MS = 10_000;
/** A card that is missing is looked for again soon: a list without it may be a slip, which lasts for seconds at most. */
const SECOND_LOOK_MS = 5000;
const STALE_AFTER_MS = 3 * INTERVAL_MS;
/** The driver names a card that it lost by its place. */
const LOST_CARD = /device handle for GPU ?([\da-f:.]+\d)/gi;

/**
 * Looks after cards in use: asks nvidia-smi every ten seconds, one question at a time, and follows the kernel log where
 * it can be read. What befalls a card is told once, and so is its recovery. A question that hangs makes what is known
 * stale and is never joined by a second one.
 */
export class GpuWatch {
  readonly #options: GpuWatchOptions;
  readonly #cards: Map<string, WatchedCard>;
  readonly #kernelLines: KernelLogReader = new KernelLogReader();
  readonly #ended: AbortController = new AbortController();
  /** Faults that took no card out of service, told since the last look: the driver repeats its lines. */
  readonly #told: Set<string> = new Set();
  #fields: readonly string[] = HEALTH_FIELDS;
  #kernelLog: KernelLogState = { kind: 'opening' };
  #problem: Finding | null = null;
  #startedMs = 0;
  #answeredMs: number | null = null;
  #looking: Promise<void> | null = null;
  #cancelLook: CancelTimer = () => {};

  constructor(options: GpuWatchOptions) {
    this.#options = options;
    const usable = options.gpus.filter(({ recoveryAction }) => recoveryAction === undefined);
    this.#cards = new Map(usable.map((gpu) => [gpu.uuid, watched(gpu)]));
  }

  /** Begins, unless there is no card to look after. */
  start(): void {
    if (this.#cards.size === 0) return;
    const { clock, root, kernelLogFile: file = join(root, 'dev/kmsg') } = this.#options;
    this.#startedMs = clock.monotonicMs();
    void followKernelLog({
      file,
      clock,
      signal: this.#ended.signal,
      onLine: (line) => {
        const event = this.#kernelLines.read(line);
        if (event !== null) this.#onKernelEvent(event);
      },
      onState: (state) => {
        this.#kernelLog = state;
      },
    });
    void this.look();
  }

  /** Nothing is told from now on. */
  close(): void {
    this.#ended.abort();
    this.#cancelLook();
  }

  /** Asks nvidia-smi now, or waits for the answer that is under way; never rejects. */
  look(): Promise<void> {
    this.#cancelLook();
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = null;
      this.#planNextLook();
    });
    return this.#looking;
  }

  /** Takes the card as well, whatever it had: somebody wants it used again. What can still be seen is told anew. */
  forgive(uuid: string): void {
    const card = this.#cards.get(uuid);
    if (card !== undefined) this.#cards.set(uuid, { ...watched(card.gpu), condition: card.condition });
  }

  get status(): GpuWatchStatus {
    const nowMs = this.#options.clock.monotonicMs();
    return {
      ageMs: this.#answeredMs === null ? null : nowMs - this.#answeredMs,
      isStale: nowMs - (this.#answeredMs ?? this.#startedMs) > STALE_AFTER_MS,
      problem: this.#problem,
      kernelLog: this.#kernelLog,
      cordoned: [...this.#cards.values()].flatMap(({ cordonedFor }) => cordonedFor ?? []),
    };
  }

  async #lookOnce(): Promise<void> {
    const { nvidiaSmi, outcome } = await openNvidiaSmi(this.#options, listQuestion('gpu', this.#fields));
    const answer = await askList(nvidiaSmi, this.#fields, outcome);
    if (this.#ended.signal.aborted) return;
    this.#fields = answer.fields;
    this.#problem = nvidiaSmiFinding(answer.outcome, true, this.#options.deadlineMs);
    if (isComplete(answer, this.#problem) || answer.rows.length > 0) {
      this.#answeredMs = this.#options.clock.monotonicMs();
    }
    this.#told.clear();
    for (const card of this.#cards.values()) {
      this.#learn(afterLook(card, sightingOf(card, answer, this.#problem)));
    }
  }

  #planNextLook(): void {
    if (this.#ended.signal.aborted) return;
    const isDoubtful = [...this.#cards.values()].some(({ missedLists }) => missedLists === 1);
    const delayMs = isDoubtful ? SECOND_LOOK_MS : INTERVAL_MS;
    this.#cancelLook = this.#options.clock.schedule(delayMs, () => void this.look());
  }

  #onKernelEvent(event: KernelLogEvent): void {
    const gpu = cardOf(event, this.#options.gpus);
    const card = gpu && this.#cards.get(gpu.uuid);
    if (card === undefined) return;
    if (event.kind === 'xid' && event.number === XID_RECOVERY_ACTION_CHANGED) return void this.look();
    const fault = kernelFault(event, card.gpu);
    if (fault !== null) this.#learn(afterKernelFault(card, fault));
  }

  #learn({ card, begun, recovered }: Learned): void {
    this.#cards.set(card.gpu.uuid, card);
    for (const fault of begun) if (this.#isNews(fault)) this.#options.onFault(fault);
    if (recovered !== null) this.#options.onRecovery(recovered);
  }

  #isNews({ action, uuid, code }: GpuFault): boolean {
    const key = `${uuid} ${code}`;
    if (action === 'restart' && this.#told.has(key)) return false;
    this.#told.add(key);
    return true;
  }
}

/** Every card that the driver still has is in the list: an exit code, or silence, is no statement about cards. */
function isComplete({ outcome, rows, unreadable }: ListAnswer, problem: Finding | null): boolean {
  if (outcome.kind !== 'finished') return false;
  if (problem !== null) return problem.code === 'no_devices' && NO_DEVICES.test(outcome.output);
  return unreadable.length === 0 && rows.every(({ text }) => text('uuid') !== null);
}

function sightingOf({ gpu }: WatchedCard, answer: ListAnswer, problem: Finding | null): Sighting {
  const row = answer.rows.find(({ text }) => text('uuid') === gpu.uuid);
  if (row !== undefined) return readCondition(row);
  const output = answer.outcome.kind === 'finished' ? answer.outcome.output : '';
  const lost = [...output.matchAll(LOST_CARD)].map(([, address = '']) => pciSlot(address));
  if (lost.includes(pciSlot(gpu.pciBusId))) return 'lost';
  return isComplete(answer, problem) ? 'missing' : 'unknown';
}
