import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FakeMachine } from './fake-nvidia-smi.ts';

/** What the fake installers do at `pip install`. */
export type InstallBehaviour = 'works' | 'hangs' | 'disk_full' | 'fails' | 'wrong_cuda' | 'verify_hangs';

const SIMULATOR = fileURLToPath(new URL('../../src/sim/main.ts', import.meta.url));

/** Flags of the installed vLLM that Chorus asks about: the simulator takes them all. */
const FLAGS = ['--enable-scale-out', '--prefix-cache-retention-interval', '--shutdown-timeout'];

/**
 * Gives a fake machine a uv and a Python that make environments in which `vllm` is the simulator. They are real
 * programs; what they do next stands in a file, and so does what they were asked for.
 */
export class FakeInstallers {
  readonly #machine: FakeMachine;

  constructor(machine: FakeMachine, { uv = true, python = true }: { uv?: boolean; python?: boolean } = {}) {
    this.#machine = machine;
    this.behave('works');
    machine.write('calls', '');
    this.#script('lib/make-environment', MAKE_ENVIRONMENT);
    this.#script('lib/install', INSTALL);
    this.#script('lib/environment-python', ENVIRONMENT_PYTHON);
    if (uv) this.#script('bin/uv', UV);
    if (python) this.#script('bin/python3.12', PYTHON);
  }

  behave(behaviour: InstallBehaviour): void {
    writeFileSync(join(this.#machine.root, 'behaviour'), behaviour);
  }

  /** The command lines so far, with `ROOT` for the machine's folder. */
  get calls(): readonly string[] {
    const text = readFileSync(join(this.#machine.root, 'calls'), 'utf8');
    return text.replaceAll(this.#machine.root, 'ROOT').split('\n').filter(Boolean);
  }

  /** Where the last uv was to keep the Pythons that it fetches, with `ROOT` for the machine's folder. */
  get uvPythons(): string {
    return readFileSync(join(this.#machine.root, 'uv-pythons'), 'utf8').trim().replaceAll(this.#machine.root, 'ROOT');
  }

  /** Pid of an installer that hangs, once there is one. */
  get hangingPid(): number | null {
    const file = join(this.#machine.root, 'hanging');
    return existsSync(file) ? Number(readFileSync(file, 'utf8')) : null;
  }

  forgetHanging(): void {
    rmSync(join(this.#machine.root, 'hanging'), { force: true });
  }

  #script(path: string, body: string): void {
    const { root } = this.#machine;
    const text = body
      .replaceAll('@ROOT@', root)
      .replaceAll('@NODE@', process.execPath)
      .replaceAll('@SIMULATOR@', SIMULATOR)
      .replaceAll('@FLAGS@', JSON.stringify(FLAGS));
    this.#machine.installNvidiaSmi(text, path);
  }
}

const NAP = `echo $$ > @ROOT@/hanging.part; /bin/mv @ROOT@/hanging.part @ROOT@/hanging; exec /bin/sleep 60`;

const UV = `
[ "$1" = --version ] && { echo 'uv 0.9.9 (fake)'; exit 0; }
echo "uv $*" >> @ROOT@/calls
echo "$UV_PYTHON_INSTALL_DIR" > @ROOT@/uv-pythons
for last; do :; done
case "$1" in
  venv) exec @ROOT@/lib/make-environment "$last" ;;
  pip) exec @ROOT@/lib/install "$4" ;;
esac
exit 2`;

const PYTHON = `
case "$2" in *ensurepip*) echo '3.12.7 venv headers'; exit 0 ;; esac
echo "python $*" >> @ROOT@/calls
[ "$2" = venv ] && exec @ROOT@/lib/make-environment "$3"
exit 2`;

const MAKE_ENVIRONMENT = `
/bin/mkdir -p "$1/bin"
/bin/cp @ROOT@/lib/environment-python "$1/bin/python"`;

/** `$1` is the environment's interpreter. */
const INSTALL = `
case "$(/bin/cat @ROOT@/behaviour)" in
  hangs) echo 'Resolved 141 packages in 1.2s'; ${NAP} ;;
  disk_full)
    wrap='\n      '
    [ "$UV_NO_WRAP" = 1 ] && wrap=' '
    printf "error: Failed to extract archive\n  ╰─▶ failed to write to file$wrap/cache/uv/.tmp1/torch.so:$wrap%s\n" \
      'No space left on device (os error 28)' >&2
    exit 2 ;;
  fails) echo 'error: No solution found' >&2; exit 1 ;;
esac
echo 'Resolved 141 packages in 1.2s'
echo 'Downloading torch (835.9MiB)'
echo ' Downloaded torch'
echo 'Installed 141 packages in 3.4s'
printf '#!/bin/sh\\nexec @NODE@ @SIMULATOR@ "$@"\\n' > "\${1%python}vllm"
/bin/chmod 755 "\${1%python}vllm"`;

/** The interpreter inside an environment: pip, and the three questions that Chorus asks it. */
const ENVIRONMENT_PYTHON = `
[ "$2" = pip ] && { echo "pip $*" >> @ROOT@/calls; exec @ROOT@/lib/install "$0"; }
[ -e "\${0%python}vllm" ] || exit 1
behaviour="$(/bin/cat @ROOT@/behaviour)"
cuda=13.0
[ "$behaviour" = wrong_cuda ] && cuda=12.9
case "$2" in
  *CHORUS-VLLM*)
    [ "$behaviour" = verify_hangs ] && { ${NAP}; }
    echo 'CHORUS-VLLM {"vllm": "0.32.0", "cuda": "'$cuda'"}' ;;
  *CHORUS-FLAGS*) echo 'CHORUS-FLAGS @FLAGS@' ;;
  *"name + '-'"*) echo vllm-0.32.0 ;;
  *) echo 'vllm 0.32.0' ;;
esac`;
