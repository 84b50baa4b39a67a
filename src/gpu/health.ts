import type { Finding, Gpu } from '../domain/gpu.ts';
import { gpuLabel } from '../planner/wording.ts';
import { csvRow, linesOf, type CsvRow } from './csv-cells.ts';
import { listQuestion, type NvidiaSmi } from './run-nvidia-smi.ts';

/** Asked apart from what planning needs: not every driver knows all of these. */
const HEALTH_FIELDS: readonly string[] = [
  'uuid',
  'gpu_recovery_action',
  'ecc.errors.uncorrected.volatile.total',
  'remapped_rows.pending',
  'remapped_rows.failure',
  'retired_pages.pending',
  'clocks_event_reasons.active',
];

const UNKNOWN_FIELD = /Field "(.+?)" is not a valid field to query/;
/** Bits of `clocks_event_reasons.active`: hardware slowdown, thermal (software, hardware), external power brake. */
const SLOWED_BY_FAULT = 0x8n | 0x20n | 0x40n | 0x80n;

/** The cards with what the driver wants done to them, and a warning for everything that is wrong with one. */
export interface Health {
  readonly gpus: readonly Gpu[];
  readonly findings: readonly Finding[];
}

/** Asks for the health of the cards, without the fields that this driver does not know. A failure is no finding. */
export async function readHealth(nvidiaSmi: NvidiaSmi, gpus: readonly Gpu[]): Promise<Health> {
  const rows = await askKnownFields(nvidiaSmi, HEALTH_FIELDS);
  const findings: Finding[] = [];
  const judged = gpus.map((gpu) => {
    const row = rows.find(({ text }) => text('uuid') === gpu.uuid);
    if (!row) return gpu;
    findings.push(...judgeHealth(gpu, row));
    const action = row.text('gpu_recovery_action');
    return action === null || action === 'None' ? gpu : { ...gpu, recoveryAction: action };
  });
  return { gpus: judged, findings };
}

/** The driver names one unknown field at a time. */
async function askKnownFields(nvidiaSmi: NvidiaSmi, fields: readonly string[]): Promise<readonly CsvRow[]> {
  const outcome = await nvidiaSmi.ask(...listQuestion('gpu', fields));
  if (outcome.kind !== 'finished') return [];
  const unknown = UNKNOWN_FIELD.exec(outcome.output)?.[1];
  if (unknown !== undefined && fields.includes(unknown)) {
    return askKnownFields(
      nvidiaSmi,
      fields.filter((field) => field !== unknown),
    );
  }
  return linesOf(outcome.stdout).flatMap((line) => csvRow(line, fields) ?? []);
}

interface Symptom {
  readonly code: string;
  readonly isShown: (row: CsvRow) => boolean;
  readonly message: string;
  readonly remedy: string;
}

const isSet = (row: CsvRow, field: string): boolean => !['No', '0', null].includes(row.text(field));

const SYMPTOMS: readonly Symptom[] = [
  {
    code: 'ecc_errors',
    isShown: (row) => (row.figure('ecc.errors.uncorrected.volatile.total') ?? 0) > 0,
    message: 'has had memory errors that ECC could not correct since the driver was loaded',
    remedy: 'Reset it (sudo nvidia-smi --gpu-reset) or reboot; if they come back, replace the card.',
  },
  {
    code: 'memory_repair_failed',
    isShown: (row) => isSet(row, 'remapped_rows.failure'),
    message: 'has bad memory rows that could not be remapped',
    remedy: 'Replace the card; its maker takes it back for this.',
  },
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
