import type { Gpu } from '../domain/gpu.ts';
import type { CsvRow } from './csv-cells.ts';

/** What planning needs. Only fields that are used: one that the driver does not know makes the whole query fail. */
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

/** The card of a row; null where it does not say which one it is. */
export function readGpu(row: CsvRow): Gpu | null {
  const [index, uuid, name] = [row.figure('index'), row.text('uuid'), row.text('name')];
  if (index === null || uuid === null || name === null) return null;
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
