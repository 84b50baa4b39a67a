import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../domain/gpu.ts';
import type { PciDevice } from './pci-devices.ts';

/** Values of `NVIDIA_VISIBLE_DEVICES` with which the container toolkit gives no device. */
const GIVE_NO_DEVICE = new Set(['', 'void', 'none']);

/** Everything that suggests that this machine is meant to have an NVIDIA GPU, each in words. Never throws. */
export async function nvidiaEvidence(
  root: string,
  env: Readonly<NodeJS.ProcessEnv>,
  pciDevices: readonly PciDevice[],
): Promise<readonly string[]> {
  const names = await readdir(join(root, 'dev')).catch(() => []);
  const devices = names.filter((name) => name.startsWith('nvidia'));
  const { NVIDIA_VISIBLE_DEVICES: visible = '', KUBERNETES_SERVICE_HOST: pod } = env;
  return [
    ...devices.map((name) => `/dev/${name}`),
    ...pciDevices.map(({ address }) => `the PCI device ${address}`),
    ...(GIVE_NO_DEVICE.has(visible) ? [] : [`NVIDIA_VISIBLE_DEVICES=${visible}`]),
    ...(pod ? ['a Kubernetes pod'] : []),
  ];
}

/** Said where something of NVIDIA is visible but no GPU can be listed. */
export function evidenceFinding(evidence: readonly string[]): Finding {
  return {
    code: 'nvidia_visible',
    severity: 'warning',
    message: `No GPU is listed, but something of NVIDIA is visible: ${evidence.join(', ')}.`,
    remedy: 'Make `nvidia-smi` list the card (in Kubernetes: request nvidia.com/gpu).',
  };
}
