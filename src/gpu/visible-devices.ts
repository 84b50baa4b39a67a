import type { Finding, Gpu } from '../domain/gpu.ts';

/**
 * Keeps the cards that an inherited `CUDA_VISIBLE_DEVICES` allows: whoever set it wants the others left alone. Like
 * CUDA, reading stops at the first entry that names no card, and the empty string allows none.
 */
export function visibleGpus(
  gpus: readonly Gpu[],
  env: Readonly<NodeJS.ProcessEnv>,
): { readonly gpus: readonly Gpu[]; readonly findings: readonly Finding[] } {
  const value = env['CUDA_VISIBLE_DEVICES'];
  if (value === undefined) return { gpus, findings: [] };
  const named = value.split(',').map((entry) => gpus.find((gpu) => names(entry.trim(), gpu)));
  const end = named.indexOf(undefined);
  const allowed = new Set(end === -1 ? named : named.slice(0, end));
  const kept = gpus.filter((gpu) => allowed.has(gpu));
  const findings = [
    ...(kept.length < gpus.length ? [hiddenFinding(value, gpus.length - kept.length, gpus.length)] : []),
    ...(isAmbiguous(value, gpus, env) ? [orderFinding(value)] : []),
  ];
  return { gpus: kept, findings };
}

const names = (entry: string, { index, uuid }: Gpu): boolean =>
  /^\d+$/.test(entry) ? Number(entry) === index : entry.startsWith('GPU-') && uuid.startsWith(entry);

/** Unless told otherwise CUDA counts the fastest card first, nvidia-smi by PCI address. */
function isAmbiguous(value: string, gpus: readonly Gpu[], env: Readonly<NodeJS.ProcessEnv>): boolean {
  const isMixed = new Set(gpus.map(({ name }) => name)).size > 1;
  const isNumbered = value.split(',').some((entry) => /^\d+$/.test(entry.trim()));
  return isMixed && isNumbered && env['CUDA_DEVICE_ORDER'] !== 'PCI_BUS_ID';
}

function hiddenFinding(value: string, hidden: number, total: number): Finding {
  return {
    code: 'hidden_by_environment',
    // With none left it is why nothing can run; a few less is what somebody wanted.
    severity: hidden === total ? 'error' : 'info',
    message: `CUDA_VISIBLE_DEVICES=${value} hides ${hidden} of ${total} GPUs.`,
    remedy: value.includes('MIG-')
      ? 'vLLM takes no MIG UUIDs: give a container the one slice, and leave the variable unset there.'
      : 'Unset it to use them all.',
  };
}

function orderFinding(value: string): Finding {
  return {
    code: 'device_order_ambiguous',
    severity: 'warning',
    message: `The cards differ, and the numbers in CUDA_VISIBLE_DEVICES=${value} are taken in the order of nvidia-smi.`,
    remedy: 'Set CUDA_DEVICE_ORDER=PCI_BUS_ID to say so, or name the cards by UUID.',
  };
}
