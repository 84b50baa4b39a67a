import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../domain/gpu.ts';

const NVIDIA_PCI_VENDOR = '0x10de';
/** Values of `NVIDIA_VISIBLE_DEVICES` with which the container toolkit gives no device. */
const NO_DEVICES = new Set(['', 'void', 'none']);

/** Everything that suggests that this machine is meant to have an NVIDIA GPU, each in words. Never throws. */
export async function nvidiaEvidence(root: string, env: Readonly<NodeJS.ProcessEnv>): Promise<readonly string[]> {
  const devices = (await list(join(root, 'dev'))).filter((name) => name.startsWith('nvidia'));
  const addresses = await list(join(root, 'sys/bus/pci/devices'));
  const vendors = await Promise.all(
    addresses.map((address) => readFile(join(root, 'sys/bus/pci/devices', address, 'vendor'), 'utf8').catch(() => '')),
  );
  const cards = addresses.filter((_, position) => vendors[position]?.trim() === NVIDIA_PCI_VENDOR);
  const { NVIDIA_VISIBLE_DEVICES: visible = '', KUBERNETES_SERVICE_HOST: pod } = env;
  return [
    ...devices.map((name) => `/dev/${name}`),
    ...cards.map((address) => `the PCI device ${address}`),
    ...(NO_DEVICES.has(visible) ? [] : [`NVIDIA_VISIBLE_DEVICES=${visible}`]),
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

const list = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);
