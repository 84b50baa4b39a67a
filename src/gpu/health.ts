import type { Finding, Gpu } from '../domain/gpu.ts';
import { gpuLabel } from '../planner/wording.ts';
import { askList } from './ask-list.ts';
import type { CsvRow } from './csv-cells.ts';
import type { NvidiaSmi } from './run-nvidia-smi.ts';

/** Asked apart from what planning needs: not every driver knows all of these. */
export const HEALTH_FIELDS: readonly string[] = [
  'uuid',
  'gpu_recovery_action',
  'ecc.errors.uncorrected.volatile.total',
  'remapped_rows.pending',
  'remapped_rows.failure',
  'retired_pages.pending',
  'clocks_event_reasons.active',
  'persistence_mode',
];

/** Bits of `clocks_event_reasons.active`: hardware slowdown, thermal (software, hardware), external power brake. */
const SLOWED_BY_FAULT = 0x8n | 0x20n | 0x40n | 0x80n;

/** `Reset`, `Reboot`, `Drain and Reset`, …; any other word but `None` is no statement. */
const RECOVERY_ACTION = /^None$|reset|reboot|drain/i;

/** What a broken card may tell instead of any figure. */
const REQUIRES_RESET = '[GPU requires reset]';

/** The cards with what the driver wants done to them, and a warning for everything that is wrong with one. */
export interface Health {
  readonly gpus: readonly Gpu[];
  readonly findings: readonly Finding[];
}

/** Asks for the health of the cards. A failure is no finding. */
export async function readHealth(nvidiaSmi: NvidiaSmi, gpus: readonly Gpu[]): Promise<Health> {
  const { rows } = await askList(nvidiaSmi, HEALTH_FIELDS);
  const findings: Finding[] = [];
  const judged = gpus.map((gpu) => {
    const row = rows.find(({ text }) => text('uuid') === gpu.uuid);
    if (!row) return gpu;
    findings.push(...judgeHealth(gpu, row));
    const { recoveryAction } = readCondition(row);
    return {
      ...gpu,
      ...(recoveryAction === null || recoveryAction === 'None' ? {} : { recoveryAction }),
      ...(row.text('persistence_mode') === 'Disabled' ? { isUnloadedWhenIdle: true as const } : {}),
    };
  });
  return { gpus: judged, findings };
}

/** What may change for the worse while a card is in use. What the driver does not tell is null. */
export interface Condition {
  /** `None`, or what the driver wants done before the card is used again. */
  readonly recoveryAction: string | null;
  /** Memory errors that ECC could not correct since the driver was loaded. */
  readonly uncorrectedErrors: number | null;
  readonly hasFailedRepair: boolean;
}

/** Reads a row of `HEALTH_FIELDS`. */
export function readCondition(row: CsvRow): Condition {
  return {
    recoveryAction: row.line.includes(REQUIRES_RESET) ? 'Reset' : toldAction(row),
    uncorrectedErrors: row.figure('ecc.errors.uncorrected.volatile.total'),
    hasFailedRepair: isSet(row, 'remapped_rows.failure'),
  };
}

function toldAction(row: CsvRow): string | null {
  const action = row.text('gpu_recovery_action');
  return action !== null && RECOVERY_ACTION.test(action) ? action : null;
}

interface Symptom {
  readonly code: string;
  readonly isShown: (row: CsvRow) => boolean;
  readonly message: string;
  readonly remedy: string;
}

/** A word that no driver is known to say sets nothing: it would take a card out of use. */
const isSet = (row: CsvRow, field: string): boolean => /^(?:yes|[1-9]\d*)$/i.test(row.text(field) ?? '');

/** Bad memory, however it is found. */
export const ECC_REMEDY = 'Reset it (sudo nvidia-smi --gpu-reset) or reboot; if they come back, replace the card.';
export const FAILED_REPAIR = {
  code: 'memory_repair_failed',
  message: 'has bad memory rows that could not be remapped',
  remedy: 'Replace the card; its maker takes it back for this.',
} as const;

const SYMPTOMS: readonly Symptom[] = [
  {
    code: 'ecc_errors',
    isShown: (row) => (readCondition(row).uncorrectedErrors ?? 0) > 0,
    message: 'has had memory errors that ECC could not correct since the driver was loaded',
    remedy: ECC_REMEDY,
  },
  { ...FAILED_REPAIR, isShown: (row) => readCondition(row).hasFailedRepair },
  {
    code: 'memory_repair_pending',
    isShown: (row) => isSet(row, 'remapped_rows.pending') || isSet(row, 'retired_pages.pending'),
    message: 'has bad memory that is replaced at the next reset',
    remedy: 'Reset it when nothing uses it (sudo nvidia-smi --gpu-reset), or reboot.',
  },
  {
    code: 'gpu_slowed_down',
    isShown: (row) => (clockReasons(row) & SLOWED_BY_FAULT) !== 0n,
    message: 'slows itself down for heat or want of power',
    remedy: 'Check fans, airflow and power cables: nvidia-smi -q -d PERFORMANCE says which it is.',
  },
];

function clockReasons(row: CsvRow): bigint {
  const mask = row.text('clocks_event_reasons.active') ?? '';
  return /^0x[\da-f]+$/i.test(mask) ? BigInt(mask) : 0n;
}

function judgeHealth(gpu: Gpu, row: CsvRow): Finding[] {
  return SYMPTOMS.filter(({ isShown }) => isShown(row)).map(({ code, message, remedy }) => ({
    code,
    severity: 'warning',
    message: `${gpuLabel(gpu)} ${message}.`,
    remedy,
  }));
}
