import type { Gpu } from '../domain/gpu.ts';
import { MiB } from '../domain/units.ts';

/**
 * What is asked for, in the order of the columns. Only fields that are used: one that the driver does not know makes
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

/** Every way in which drivers say that they do not tell a figure. */
const UNKNOWN_CELLS = new Set([
  '',
  'N/A',
  'ERR!',
  '[N/A]',
  '[Not Supported]',
  '[Unknown Error]',
  '[Insufficient Permissions]',
  '[GPU requires reset]',
  'Requested functionality has been deprecated',
]);

/** Reads `--format=csv,noheader,nounits`. Lines that are no row of it come back as they are. */
export function parseRows(csv: string): { readonly gpus: readonly Gpu[]; readonly unreadable: readonly string[] } {
  const gpus: Gpu[] = [];
  const unreadable: string[] = [];
  for (const line of csv.split('\n').map((text) => text.trim())) {
    if (line === '') continue;
    const gpu = parseRow(line);
    if (gpu) gpus.push(gpu);
    else unreadable.push(line);
  }
  return { gpus, unreadable };
}

function parseRow(line: string): Gpu | null {
  const cells = line.split(',').map((cell) => cell.trim());
  if (cells.length !== QUERY_FIELDS.length) return null;
  const cell = (field: string): string | null => {
    const text = cells[QUERY_FIELDS.indexOf(field)] ?? '';
    return UNKNOWN_CELLS.has(text) ? null : text;
  };
  const figure = (field: string): number | null => {
    const value = Number(cell(field) ?? Number.NaN);
    return Number.isFinite(value) ? value : null;
  };
  const bytes = (field: string): number | null => {
    const mebibytes = figure(field);
    return mebibytes === null ? null : mebibytes * MiB;
  };
  const index = figure('index');
  const uuid = cell('uuid');
  const name = cell('name');
  if (index === null || uuid === null || name === null) return null;
  return {
    index,
    uuid,
    name,
    pciBusId: cell('pci.bus_id') ?? '',
    driverVersion: cell('driver_version'),
    computeCapability: figure('compute_cap'),
    totalBytes: bytes('memory.total'),
    freeBytes: bytes('memory.free'),
    usedBytes: bytes('memory.used'),
    migEnabled: cell('mig.mode.current') === 'Enabled',
    displayActive: cell('display_active') === 'Enabled',
  };
}
