import { join } from 'node:path';
import type { Finding, Gpu } from '../domain/gpu.ts';
import { countOf, joinWords } from '../planner/wording.ts';
import { isAccessible } from '../system/is-accessible.ts';
import { pciSlot, type PciDevice } from './pci-devices.ts';

/** Container runtimes leave one of these. */
const CONTAINER_MARKS: readonly string[] = ['.dockerenv', 'run/.containerenv'];

/**
 * A second opinion on the cards, from the PCI bus: those that the kernel sees and nvidia-smi does not list, as a
 * warning. Within a container the bus shows the host's cards too, so nothing is said there. The kernel's files are read
 * directly: `graphics()` of systeminformation needs lspci, holds the event loop as long as its own nvidia-smi takes, and
 * takes what that lists as true.
 */
export async function crossCheckCards(
  root: string,
  env: Readonly<NodeJS.ProcessEnv>,
  listed: readonly Gpu[],
  pciDevices: readonly PciDevice[],
): Promise<readonly Finding[]> {
  if (listed.length === 0 || (await isContainer(root, env))) return [];
  const known = new Set(listed.map(({ pciBusId }) => pciSlot(pciBusId)));
  const missing = pciDevices
    .filter(({ isDisplay, address }) => isDisplay && !known.has(pciSlot(address)))
    .map(({ address }) => address);
  if (missing.length === 0) return [];
  return [
    {
      code: 'card_not_listed',
      severity: 'warning',
      message:
        `The PCI bus has ${countOf(missing.length, 'NVIDIA card')} that nvidia-smi does not list: ` +
        `${joinWords(missing)}.`,
      remedy: 'Look for NVRM lines of that address in `dmesg`: the card may be lost, or bound to another driver.',
    },
  ];
}

async function isContainer(root: string, env: Readonly<NodeJS.ProcessEnv>): Promise<boolean> {
  if (env['NVIDIA_VISIBLE_DEVICES'] !== undefined || env['KUBERNETES_SERVICE_HOST'] !== undefined) return true;
  const marks = await Promise.all(CONTAINER_MARKS.map((mark) => isAccessible(join(root, mark))));
  return marks.includes(true);
}
