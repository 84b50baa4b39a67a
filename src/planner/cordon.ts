import type { GpuFault, Inventory } from '../domain/gpu.ts';

/** The machine with every card that has such a fault marked as out of service: planning leaves it out and says why. */
export function withCordons(
  inventory: Inventory,
  faults: readonly Pick<GpuFault, 'uuid' | 'code' | 'reason' | 'remedy'>[],
): Inventory {
  const cordons = new Map(faults.map(({ uuid, code, reason, remedy }) => [uuid, { code, reason, remedy }]));
  const gpus = inventory.gpus.map((gpu) => {
    const cordon = cordons.get(gpu.uuid);
    return cordon === undefined ? gpu : { ...gpu, cordon };
  });
  return { ...inventory, gpus };
}
