import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A function of NVIDIA hardware on the PCI bus. */
export interface PciDevice {
  /** `0000:83:00.0`. */
  readonly address: string;
  /** A GPU itself; audio and USB functions of a card have other classes. */
  readonly isDisplay: boolean;
}

const NVIDIA_VENDOR = '0x10de';
/** Display controllers: VGA and 3D. */
const DISPLAY_CLASS = /^0x03/;

/** What of NVIDIA the kernel sees on the PCI bus (`root` is where `/sys` is looked for); never rejects. */
export async function nvidiaPciDevices(root: string): Promise<readonly PciDevice[]> {
  const folder = join(root, 'sys/bus/pci/devices');
  const addresses = await readdir(folder).catch(() => []);
  const read = async (address: string, file: string): Promise<string> =>
    (await readFile(join(folder, address, file), 'utf8').catch(() => '')).trim();
  const devices = await Promise.all(
    addresses.map(async (address) => {
      const [vendor, kind] = await Promise.all([read(address, 'vendor'), read(address, 'class')]);
      return { address, vendor, isDisplay: DISPLAY_CLASS.test(kind) };
    }),
  );
  return devices
    .filter(({ vendor }) => vendor === NVIDIA_VENDOR)
    .map(({ address, isDisplay }) => ({ address, isDisplay }));
}

/**
 * The slot of an address as one text, whoever wrote it: `00000000:83:00.0` (nvidia-smi), `0000:83:00.0` (the kernel) and
 * `0000:83:00` (NVIDIA's kernel module) are the same.
 */
export function pciSlot(address: string): string {
  const [domain = '', bus = '', device = ''] = address.toLowerCase().split(':');
  return [Number.parseInt(domain, 16), bus, device.replace(/\..*$/, '')].join(':');
}
