import type { Finding, Gpu, Host, Inventory } from '../domain/gpu.ts';
import { isObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';

/** One key of the file: what it must be, in words for the person who wrote it, and what its absence means. */
interface Field {
  readonly accepts: (value: unknown) => boolean;
  readonly expected: string;
  /** Left out: the key is required. `position` is the element's place in its array. */
  readonly whenAbsent?: (position: number) => unknown;
}

type Fields<Shape> = Readonly<Record<keyof Shape & string, Field>>;

/** For what a `Gpu` may lack: the key then stays away. */
const absent = (): undefined => undefined;

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isCount = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isIndex = (value: unknown): boolean => isCount(value) && Number.isInteger(value);
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const orNull =
  (accepts: Field['accepts']): Field['accepts'] =>
  (value) =>
    value === null || accepts(value);

const isProcesses = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every(
    (each) =>
      isObject(each) &&
      isIndex(each['pid']) &&
      orNull(isCount)(each['usedBytes']) &&
      (each['name'] === undefined || isText(each['name'])),
  );

const isLinks = (value: unknown): boolean => isObject(value) && Object.values(value).every(isText);

const isCordon = (value: unknown): boolean =>
  isObject(value) && ['code', 'reason', 'remedy'].every((key) => isText(value[key]));

const BYTES = 'a number of bytes, or null where nvidia-smi does not tell it';

const GPU_FIELDS: Fields<Gpu> = {
  index: {
    accepts: isIndex,
    expected: 'the whole number that nvidia-smi gives the card',
    whenAbsent: (position) => position,
  },
  uuid: { accepts: isText, expected: "the card's UUID", whenAbsent: (position) => `GPU-${position}` },
  name: { accepts: isText, expected: 'the name of the card, such as "NVIDIA L4"' },
  pciBusId: { accepts: isText, expected: 'a PCI address', whenAbsent: (position) => `00000000:0${position}:00.0` },
  driverVersion: { accepts: orNull(isText), expected: 'such as "590.48.01", or null', whenAbsent: () => null },
  computeCapability: { accepts: orNull(isCount), expected: 'a number such as 8.9, or null' },
  totalBytes: { accepts: orNull(isCount), expected: BYTES },
  freeBytes: { accepts: orNull(isCount), expected: BYTES },
  usedBytes: { accepts: orNull(isCount), expected: BYTES, whenAbsent: () => null },
  migEnabled: { accepts: isFlag, expected: 'true or false', whenAbsent: () => false },
  displayActive: { accepts: isFlag, expected: 'true or false', whenAbsent: () => false },
  unifiedMemory: { accepts: (value) => value === true, expected: 'true, or left out', whenAbsent: absent },
  migSlice: { accepts: isText, expected: 'the name of a slice, such as "3g.40gb", or left out', whenAbsent: absent },
  recoveryAction: { accepts: isText, expected: 'such as "Reset", or left out', whenAbsent: absent },
  processes: { accepts: isProcesses, expected: 'an array of {pid, usedBytes, name}, or left out', whenAbsent: absent },
  links: { accepts: isLinks, expected: 'an object such as {"1": "NV18"}, or left out', whenAbsent: absent },
  isUnloadedWhenIdle: { accepts: (value) => value === true, expected: 'true, or left out', whenAbsent: absent },
  cordon: { accepts: isCordon, expected: 'an object with code, reason and remedy, or left out', whenAbsent: absent },
};

const HOST_FIELDS: Fields<Host> = {
  cpuModel: { accepts: isText, expected: 'the name of the CPU' },
  cpuCount: { accepts: isIndex, expected: 'the number of logical CPUs' },
  hasAmx: { accepts: isFlag, expected: 'true or false', whenAbsent: () => false },
  totalBytes: { accepts: isCount, expected: 'the RAM in bytes' },
  availableBytes: { accepts: isCount, expected: 'the RAM in bytes that new processes can take' },
};

const FINDING_FIELDS: Fields<Finding> = {
  code: { accepts: isText, expected: 'a name' },
  severity: {
    accepts: (value) => ['info', 'warning', 'error'].includes(value as string),
    expected: '"info", "warning" or "error"',
  },
  message: { accepts: isText, expected: 'a sentence' },
  remedy: { accepts: isText, expected: 'a sentence' },
};

const INVENTORY_FIELDS: Fields<Inventory> = {
  gpus: { accepts: Array.isArray, expected: 'an array, empty for a machine without GPUs' },
  host: { accepts: isObject, expected: 'an object with cpuModel, cpuCount, totalBytes and availableBytes' },
  findings: { accepts: Array.isArray, expected: 'an array', whenAbsent: () => [] },
  nvidiaVisible: { accepts: isFlag, expected: 'true or false', whenAbsent: () => null },
};

/**
 * Reads the machine that `chorus plan --inventory FILE` plans for: the JSON of `Inventory`, or the whole output of
 * `chorus plan --json`, which contains one. Throws a `Refusal` (exit code 65) that lists the problems, each with its
 * field and what belongs there.
 */
export function parseInventory(text: string, fileName: string): Inventory {
  const problems: string[] = [];
  const refuseIfAny = (): void => {
    if (problems.length === 0) return;
    const list = problems.map((problem) => `  ${problem}`).join('\n');
    throw new Refusal('data', `${fileName} does not describe a machine:\n${list}`);
  };
  const json = parseJson(text, fileName);
  const root = isObject(json) && isObject(json['inventory']) ? json['inventory'] : json;
  const top = readFields<Inventory>(root, INVENTORY_FIELDS, { path: '', position: 0 }, problems);
  refuseIfAny();
  const gpus = readArray<Gpu>(top.gpus, GPU_FIELDS, 'gpus', problems);
  const host = readFields<Host>(top.host, HOST_FIELDS, { path: 'host', position: 0 }, problems);
  const findings = readArray<Finding>(top.findings, FINDING_FIELDS, 'findings', problems);
  refuseIfAny();
  problems.push(...inconsistencies(gpus));
  if (host.availableBytes > host.totalBytes) problems.push('host.availableBytes is more than its totalBytes.');
  refuseIfAny();
  return { gpus, host, findings, nvidiaVisible: top.nvidiaVisible ?? gpus.length > 0 };
}

function parseJson(text: string, fileName: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `${fileName} is not JSON (${(cause as Error).message}). \`chorus plan --json\` prints an example.`;
    throw new Refusal('data', message, { cause });
  }
}

interface Place {
  readonly path: string;
  readonly position: number;
}

/** The object with defaults filled in. Its type holds only if no problem was added. */
function readFields<Shape>(
  value: unknown,
  fields: Fields<Shape>,
  { path, position }: Place,
  problems: string[],
): Shape {
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`);
  if (!isObject(value)) {
    problems.push(`${path || 'the file'} must be an object with ${Object.keys(fields).join(', ')}.`);
    return {} as Shape;
  }
  for (const key of Object.keys(value).filter((key) => !Object.hasOwn(fields, key))) {
    problems.push(`${at(key)} is unknown: remove it. Known are ${Object.keys(fields).join(', ')}.`);
  }
  const entries = Object.entries<Field>(fields).map(([key, { accepts, expected, whenAbsent }]): [string, unknown] => {
    if (value[key] === undefined && whenAbsent) return [key, whenAbsent(position)];
    if (value[key] === undefined) problems.push(`${at(key)} is missing: add ${expected}.`);
    else if (!accepts(value[key]))
      problems.push(`${at(key)} is ${JSON.stringify(value[key])}: it must be ${expected}.`);
    return [key, value[key]];
  });
  return Object.fromEntries(entries.filter(([, entry]) => entry !== undefined)) as Shape;
}

function readArray<Shape>(
  elements: readonly unknown[],
  fields: Fields<Shape>,
  path: string,
  problems: string[],
): Shape[] {
  return elements.map((element, position) =>
    readFields<Shape>(element, fields, { path: `${path}[${position}]`, position }, problems),
  );
}

function inconsistencies(gpus: readonly Gpu[]): string[] {
  return gpus.flatMap(({ index, uuid, totalBytes, freeBytes }, position) => {
    const earlier = gpus.slice(0, position);
    return [
      ...(earlier.some((gpu) => gpu.index === index) ? [`gpus[${position}].index is ${index} a second time.`] : []),
      ...(earlier.some((gpu) => gpu.uuid === uuid) ? [`gpus[${position}].uuid is ${uuid} a second time.`] : []),
      ...((freeBytes ?? 0) > (totalBytes ?? Infinity)
        ? [`gpus[${position}].freeBytes is more than its totalBytes: nvidia-smi gives MiB, times 1,048,576 are bytes.`]
        : []),
    ];
  });
}
