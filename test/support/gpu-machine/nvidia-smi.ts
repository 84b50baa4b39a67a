/**
 * An nvidia-smi for machines without a GPU: `node nvidia-smi.ts LEDGER ARGUMENTS…` answers `--query-gpu`,
 * `--query-compute-apps`, `-L`, `topo -m` and `-q -x` from the ledger, in the driver's own forms.
 */
import { readFileSync } from 'node:fs';
import { MiB } from '../../../src/domain/units.ts';
import { heldBytes, liveBookings } from '../../../src/sim/gpu-ledger.ts';
import type { FakeGpu, FakeMachineLedger } from './ledger.ts';

/** The only form of a list that is asked for. */
const FORMAT = '--format=csv,noheader,nounits';

interface Card extends FakeGpu {
  readonly index: number;
}

/** For the names of the fields where there is no card. */
const NO_CARD: Card = { index: 0, uuid: '', name: '', computeCapability: '', totalMiB: 0, reservedMiB: 0 };

const [ledgerFile = '', ...args] = process.argv.slice(2);
const ledger = JSON.parse(readFileSync(ledgerFile, 'utf8')) as FakeMachineLedger;
const { misbehaviour = {} } = ledger;
const bookings = liveBookings(ledger);
const cards: readonly Card[] = ledger.gpus
  .map((gpu, index) => ({ ...gpu, index }))
  .filter(({ index }) => !misbehaviour.vanished?.includes(index));

if (misbehaviour.hangs) setInterval(() => {}, 60_000);
else if (misbehaviour.text !== undefined || misbehaviour.exitCode !== undefined) {
  end(misbehaviour.exitCode ?? 0, misbehaviour.text ?? '');
} else answer();

function answer(): void {
  const [option = ''] = args;
  const [, list, fields = ''] = /^--query-(gpu|compute-apps)=(.+)$/.exec(option) ?? [];
  if (list !== undefined) return answerList(list, fields.split(','));
  if (option === '--version')
    return end(0, `NVIDIA-SMI version  : ${ledger.driverVersion}\nDRIVER version      : ${ledger.driverVersion}`);
  if (option === '-L') return end(0, cards.flatMap(listed).join('\n'));
  if (option === 'topo') return end(0, topology());
  if (option === '-q' && args.includes('-x')) return end(0, xml());
  end(2, `Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.`);
}

function answerList(list: string, fields: readonly string[]): void {
  if (!args.includes(FORMAT)) return end(2, `This one answers in the form ${FORMAT} alone.`);
  const records = list === 'gpu' ? cards.map(describe) : bookings.map(describeBooking);
  const known = list === 'gpu' ? describe(cards[0] ?? NO_CARD) : describeBooking({ pid: 0, uuid: '', bytes: 0 });
  const bad = fields.find((field) => known[field] === undefined || misbehaviour.unknownFields?.includes(field));
  if (bad !== undefined) return end(2, `Field "${bad}" is not a valid field to query.`);
  if (list === 'gpu' && cards.length === 0) return end(6, 'No devices were found');
  const rows = records.map((record) => fields.map((field) => record[field] ?? '').join(', '));
  end(0, [...rows, ...(misbehaviour.garbageRow === undefined ? [] : [misbehaviour.garbageRow])].join('\n'));
}

/** The fields that Chorus asks for, as a driver of the 590 series tells them. */
function describe(card: Card): Record<string, string> {
  const usedMiB = Math.round(heldBytes(bookings, card.uuid) / MiB);
  const busId = `00000000:${(0x19 + 0x12 * card.index).toString(16).toUpperCase()}:00.0`;
  return {
    index: String(card.index),
    uuid: card.uuid,
    name: card.name,
    'pci.bus_id': busId,
    driver_version: ledger.driverVersion,
    compute_cap: card.computeCapability,
    'memory.total': String(card.totalMiB),
    'memory.used': String(usedMiB),
    'memory.free': String(card.totalMiB - card.reservedMiB - usedMiB),
    'mig.mode.current': card.migSlices ? 'Enabled' : 'Disabled',
    display_active: 'Disabled',
    persistence_mode: 'Enabled',
    'clocks_event_reasons.active': '0x0000000000000001',
    'ecc.errors.uncorrected.volatile.total': '0',
    'retired_pages.pending': 'No',
    'remapped_rows.pending': '0',
    'remapped_rows.failure': '0',
    gpu_recovery_action: 'None',
    ...card.fields,
  };
}

function describeBooking({ pid, uuid, bytes }: { pid: number; uuid: string; bytes: number }): Record<string, string> {
  return {
    gpu_uuid: uuid,
    pid: String(pid),
    used_gpu_memory: String(Math.round(bytes / MiB)),
    process_name: 'VLLM::EngineCore',
  };
}

function listed({ index, name, uuid, migSlices = [] }: Card): string[] {
  const slices = migSlices.map(
    (slice, device) =>
      `  MIG ${slice.name.padEnd(12)}Device  ${device}: (UUID: MIG-0000000${device}-0000-0000-0000-000000000000)`,
  );
  return [`GPU ${index}: ${name} (UUID: ${uuid})`, ...slices];
}

/** All cards behind one NVLink switch; the heading is underlined even in a pipe. */
function topology(): string {
  const names = cards.map(({ index }) => `GPU${index}`);
  const rows = names.map((name) => [name, ...names.map((other) => (other === name ? ' X ' : 'NV18'))].join('\t'));
  return [`\t\u001B[4m${names.join('\t')}\tCPU Affinity\tNUMA Affinity\u001B[0m`, ...rows].join('\n');
}

function xml(): string {
  const gpus = cards.map(({ uuid, migSlices = [] }) => {
    const devices = migSlices.map(({ totalMiB, usedMiB }, index) => {
      const memory = `<total>${totalMiB} MiB</total><reserved>0 MiB</reserved><used>${usedMiB} MiB</used>`;
      return `<mig_device><index>${index}</index><fb_memory_usage>${memory}<free>${totalMiB - usedMiB} MiB</free></fb_memory_usage></mig_device>`;
    });
    return `<gpu><mig_devices>${devices.join('')}</mig_devices><uuid>${uuid}</uuid></gpu>`;
  });
  return `<?xml version="1.0" ?>\n<nvidia_smi_log>\n${gpus.join('\n')}\n</nvidia_smi_log>`;
}

function end(exitCode: number, text: string): void {
  if (text !== '') process.stdout.write(`${text}\n`);
  process.exitCode = exitCode;
}
