import type { Finding, Inventory } from '../domain/gpu.ts';
import type { EngineKind, Plan } from '../domain/placement.ts';
import { judgeCards } from '../planner/cards.ts';
import { countOf, gpuLabel } from '../planner/wording.ts';
import { chooseWheel } from '../setup/choose-wheel.ts';
import { oldestDriver } from '../setup/oldest-driver.ts';
import { fail, ok, skip, warn, type Verdict } from './check.ts';

/** nvidia-smi answers and lists a card. */
export function checkDriver(engine: EngineKind, inventory: Inventory): Verdict {
  if (engine !== 'gpu') return skip(`not needed with --engine ${engine}`);
  const { gpus, findings } = inventory;
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (gpus.length > 0 && errors.length === 0) {
    return ok(`driver ${oldestDriver(inventory) ?? 'of unknown version'}, ${countOf(gpus.length, 'GPU')}`);
  }
  const told = errors.length > 0 ? errors : findings.filter(({ severity }) => severity === 'warning');
  const [value, fix] = [messages(told), remedies(told)];
  if (gpus.length > 0) return warn(value, fix);
  return told.length > 0
    ? fail(value, fix)
    : fail('No NVIDIA GPU was found.', 'Use a machine with one, --engine cpu, or --engine simulated for a trial.');
}

/** A build of vLLM runs on the driver. */
export function checkCuda(engine: EngineKind, inventory: Inventory): Verdict {
  if (engine !== 'gpu') return skip(`not needed with --engine ${engine}`);
  const driver = oldestDriver(inventory);
  if (driver === null) return skip('the driver does not tell its version');
  const wheel = chooseWheel('gpu', driver);
  if ('code' in wheel) return fail(wheel.sentence, wheel.remedy);
  return wheel.isFallback ? warn(wheel.reason, 'Update the NVIDIA driver to 580 or newer.') : ok(wheel.reason);
}

/** Every card, with what keeps it from being used. */
export function checkGpus(engine: EngineKind, { gpus, findings }: Inventory): Verdict {
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

/** A model fits somewhere. */
export function checkPlacement(engine: EngineKind, { gpus }: Inventory, plan: Plan): Verdict {
  const { placements, rejections, summary } = plan;
  if (engine === 'gpu' && gpus.length === 0) return skip('no GPU is listed');
  if (placements.length > 0) return ok(summary);
  const fixes = rejections.flatMap(({ remedy }) => remedy ?? []);
  return fail(summary, fixes[0] ?? 'chorus plan says for every model and card why it does not fit.');
}

const messages = (findings: readonly Finding[]): string => findings.map(({ message }) => message).join(' ');
const remedies = (findings: readonly Finding[]): string => findings.map(({ remedy }) => remedy).join(' ');
