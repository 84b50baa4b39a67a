import type { Gpu } from '../domain/gpu.ts';
import { csvRow, linesOf } from './csv-cells.ts';

/**
 * What planning needs, in the order of the columns. Only fields that are used: one that the driver does not know makes
 * the whole query fail.
 */
export const QUERY_FIELDS: readonly string[] = [
  'index',
  'uuid',
  'pci.bus_id',
  'name',
  'driver_version',
  'compute_cap',
  'memory.total',
  'memory.used',
  'memory.free',
  'mig.mode.current',
  'display_active',
];

/** Reads the rows of `QUERY_FIELDS`. Lines that are none come back as they are. */
export function parseRows(csv: string): { readonly gpus: readonly Gpu[]; readonly unreadable: readonly string[] } {
  const gpus: Gpu[] = [];
  const unreadable: string[] = [];
  for (const line of linesOf(csv)) {
    const gpu = parseRow(line);
    if (gpu) gpus.push(gpu);
    else unreadable.push(line);
  }
  return { gpus, unreadable };
}

function parseRow(line: string): Gpu | null {
  const row = csvRow(line, QUERY_FIELDS);
  const index = row?.figure('index') ?? null;
  const uuid = row?.text('uuid') ?? null;
  const name = row?.text('name') ?? null;
  if (row === null || index === null || uuid === null || name === null) return null;
  return {
    index,
    uuid,
    name,
    pciBusId: row.text('pci.bus_id') ?? '',
    driverVersion: row.text('driver_version'),
    computeCapability: row.figure('compute_cap'),
    totalBytes: row.bytes('memory.total'),
    freeBytes: row.bytes('memory.free'),
    usedBytes: row.bytes('memory.used'),
    migEnabled: row.text('mig.mode.current') === 'Enabled',
    displayActive: row.text('display_active') === 'Enabled',
  };
}
