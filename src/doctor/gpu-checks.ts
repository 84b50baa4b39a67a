import type { Finding, GpuFault, Inventory } from '../domain/gpu.ts';
import type { HostEngine, Plan } from '../domain/placement.ts';
import { cardOf, kernelFault } from '../gpu/kernel-fault.ts';
import { judgeCards } from '../planner/cards.ts';
import { weakestLink } from '../planner/links.ts';
import { countOf, gpuLabel, gpuList } from '../planner/wording.ts';
import { chooseWheel } from '../setup/choose-wheel.ts';
import { oldestDriver } from '../setup/oldest-driver.ts';
import { fail, ok, skip, warn, type Verdict } from './check.ts';
import type { MachineFacts } from './machine-facts.ts';

/** nvidia-smi answers and lists a card. */
export function checkDriver(engine: HostEngine, inventory: Inventory): Verdict {
  if (engine !== 'gpu') return skip(`not needed with --engine ${engine}`);
  const { gpus, findings, nvidiaVisible } = inventory;
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (gpus.length > 0 && errors.length === 0) {
    return ok(`driver ${oldestDriver(inventory) ?? 'of unknown version'}, ${countOf(gpus.length, 'GPU')}`);
  }
  if (gpus.length === 0 && !nvidiaVisible && errors.length === 0) return NO_GPU;
  const told = errors.length > 0 ? errors : findings.filter(({ severity }) => severity === 'warning');
  const [value, fix] = [messages(told), remedies(told)];
  if (gpus.length > 0) return warn(value, fix);
  return fail(value, fix);
}

/** A laptop, not a broken machine: what can be done here comes first. */
const NO_GPU = fail(
  'Nothing of NVIDIA is visible on this machine.',
  'To try Chorus here without a GPU: chorus serve --engine simulated, or --engine cpu for vLLM on the CPU (chorus doctor ' +
    'with the same flag checks that). If there is an NVIDIA GPU, install its driver, so that nvidia-smi lists it.',
);

/** A build of vLLM runs on the driver. */
export function checkCuda(engine: HostEngine, inventory: Inventory): Verdict {
  if (engine !== 'gpu') return skip(`not needed with --engine ${engine}`);
  if (inventory.gpus.length === 0) return skip('no GPU is listed');
  const driver = oldestDriver(inventory);
  if (driver === null) return skip('the driver does not tell its version');
  const wheel = chooseWheel('gpu', driver);
  if ('code' in wheel) return fail(wheel.sentence, wheel.remedy);
  return wheel.isFallback ? warn(wheel.reason, 'Update the NVIDIA driver to 580 or newer.') : ok(wheel.reason);
}

/** Every card, with what keeps it from being used. */
export function checkGpus(engine: HostEngine, { gpus, findings }: Inventory): Verdict {
  if (engine !== 'gpu') return skip(`not needed with --engine ${engine}`);
  if (gpus.length === 0) return skip('no GPU is listed');
  const { cards, rejections } = judgeCards(gpus);
  const warnings = findings.filter(({ severity }) => severity === 'warning');
  const value = [
    ...cards.map(({ gpu, isShared }) => `${gpuLabel(gpu)} is usable${isShared ? ', others use it too' : ''}`),
    ...rejections.map(({ subject, reason }) => `${subject} is not: ${reason}`),
    ...warnings.map(({ message }) => message),
  ].join('; ');
  const fixes = [...rejections.flatMap(({ remedy }) => remedy ?? []), ...warnings.map(({ remedy }) => remedy)];
  if (cards.length === 0) return fail(value, fixes.join(' '));
  return fixes.length > 0 ? warn(value, fixes.join(' ')) : ok(value);
}

/** The cards of one replica exchange data at every token. */
export function checkLinks(engine: HostEngine, { gpus }: Inventory, { placements }: Plan): Verdict {
  if (engine !== 'gpu') return skip(`not needed with --engine ${engine}`);
  const joined = placements
    .map((placement) => placement.gpus.flatMap(({ uuid }) => gpus.find((gpu) => gpu.uuid === uuid) ?? []))
    .filter(({ length }) => length > 1);
  if (joined.length === 0) return skip('no replica spans several cards');
  const links = joined.map((cards) => ({ cards, link: weakestLink(cards) }));
  const value = links
    .map(
      ({ cards, link }) =>
        `${gpuList(cards)} ${link === null ? 'in an unknown way' : `over ${link.words} (${link.name})`}`,
    )
    .join('; ');
  if (links.every(({ link }) => link === null)) return skip('nvidia-smi does not tell how the cards are linked');
  if (links.every(({ link }) => link === null || link.isNvlink)) return ok(value);
  return warn(
    `${value}, not over NVLink`,
    'It works, with lower speed. Where more cards are joined by NVLink, name those with --gpus; gpt-oss-20b needs none: ' +
      '--model gpt-oss-20b. If a start hangs, set NCCL_P2P_DISABLE=1.',
  );
}

/** The driver stays loaded while no program runs. */
export function checkPersistence(engine: HostEngine, { gpus }: Inventory): Verdict {
  if (engine !== 'gpu') return skip(`not needed with --engine ${engine}`);
  const unloaded = gpus.filter(({ isUnloadedWhenIdle }) => isUnloadedWhenIdle);
  if (gpus.length === 0) return skip('no GPU is listed');
  if (unloaded.length === 0) return ok('the driver stays loaded, or does not say');
  return warn(
    `The driver is unloaded from ${gpuList(unloaded)} whenever nothing runs there, which makes every start and nvidia-smi slow.`,
    'Turn persistence mode on: sudo nvidia-smi -pm 1, or the service nvidia-persistenced.',
  );
}

/** Faults of cards (Xid) are in the kernel log first, and stay there. */
export function checkKernelLog(engine: HostEngine, { gpus }: Inventory, { kernelLog }: MachineFacts): Verdict {
  if (engine !== 'gpu') return skip('not needed without a GPU');
  if (kernelLog.kind === 'unreadable') {
    return skip(
      `${kernelLog.message}: faults of GPUs are seen by nvidia-smi alone, within 20 s; root or CAP_SYSLOG may read the ` +
        `kernel log`,
    );
  }
  const faults = kernelLog.events.flatMap((event) => {
    const gpu = cardOf(event, gpus);
    return (gpu && kernelFault(event, gpu)) ?? [];
  });
  const [first, ...others] = new Map(faults.filter(isBroken).map((fault) => [fault.sentence, fault])).values();
  if (first === undefined) return ok('tells of no fault of a GPU that lasts; faults are seen there at once');
  return warn(
    `Since the machine started: ${[first, ...others].map(({ sentence }) => sentence).join(' ')}`,
    `Nothing where it was reset since; else: ${first.remedy}`,
  );
}

const isBroken = ({ action }: GpuFault): boolean => action === 'cordon';

/** A model fits somewhere. */
export function checkPlacement(engine: HostEngine, { gpus }: Inventory, plan: Plan): Verdict {
  const { placements, rejections, summary } = plan;
  if (engine === 'gpu' && gpus.length === 0) return skip('no GPU is listed');
  if (placements.length > 0 || engine === 'none') return ok(summary);
  const fixes = rejections.flatMap(({ remedy }) => remedy ?? []);
  return fail(summary, fixes[0] ?? 'chorus plan says for every model and card why it does not fit.');
}

const messages = (findings: readonly Finding[]): string => findings.map(({ message }) => message).join(' ');
const remedies = (findings: readonly Finding[]): string => findings.map(({ remedy }) => remedy).join(' ');
