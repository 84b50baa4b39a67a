import { Command } from 'commander';
import type { Flags } from '../config/text-sources.ts';
import { EXIT_CODES, Refusal } from '../domain/refusal.ts';
import { chorusVersion } from '../system/version.ts';
import { addConfigCommand } from './config.ts';
import { addConfigFlags } from './config-flags.ts';
import { addDoctorCommand } from './doctor.ts';
import { addEngineCommands } from './engine-commands.ts';
import { addKeyCommands } from './keys.ts';
import { addLogsCommand } from './logs.ts';
import { allWritten, outliveReaders } from './output.ts';
import { addPlanCommand } from './plan.ts';
import { addReloadCommand } from './reload.ts';
import { addServerFlags, stateDirOf, type ServerFlags } from './server-client.ts';
import { addSetupCommand } from './setup.ts';
import { status } from './status.ts';
import { addUsageCommand } from './usage.ts';

const outputs = [process.stdout, process.stderr];
const isDiskFull = outliveReaders(outputs);
let waitsForReaders = true;
const print = (line: string): void => void process.stdout.write(`${line}\n`);

const program = new Command('chorus')
  .description('Turns a GPU machine into a gpt-oss server with one OpenAI Responses API.')
  .version(chorusVersion)
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : EXIT_CODES.usage);
  });

addConfigFlags(program.command('serve'))
  .description('plan, start the engines and serve; Ctrl-C ends everything it started')
  .action(async (flags: Flags) => {
    // A server that has ended is held up by no reader that has stopped to read.
    waitsForReaders = false;
    // What it alone needs would lengthen the start of every other command.
    const { serve } = await import('./serve.ts');
    await serve(flags);
  });

addPlanCommand(program, print);
addConfigCommand(program, print);
addSetupCommand(program, print);
addDoctorCommand(program, print);

addServerFlags(program.command('status'))
  .description('how the running server and its engines are, what happened lately, and what to do about it')
  .action(async (flags: ServerFlags) => print(await status(await stateDirOf(flags), flags)));
addEngineCommands(program, print);
addReloadCommand(program, print);
addKeyCommands(program, { print, note: (line) => void process.stderr.write(`${line}\n`) });
addLogsCommand(program, process.stdout);
addUsageCommand(program, process.stdout);

async function end(exitCode: number | string): Promise<never> {
  if (!waitsForReaders) process.exit(exitCode);
  await allWritten(outputs);
  if (!isDiskFull()) process.exit(exitCode);
  console.error('chorus: The output is not complete: the disk that it goes to is full.');
  process.exit(EXIT_CODES.ioError);
}

program.parseAsync().then(
  () => end(process.exitCode ?? 0),
  (error: unknown) => {
    if (!(error instanceof Refusal)) console.error(error);
    else console.error(`chorus: ${error.message}`);
    return end(error instanceof Refusal ? error.exitCode : EXIT_CODES.software);
  },
);
