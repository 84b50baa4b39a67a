import { Command } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import type { Flags } from '../config/text-sources.ts';
import { EXIT_CODES, Refusal } from '../domain/refusal.ts';
import { chorusVersion } from '../orchestrator.ts';
import { addConfigCommand } from './config.ts';
import { addConfigFlags } from './config-flags.ts';
import { addDoctorCommand } from './doctor.ts';
import { outliveReaders } from './output.ts';
import { addPlanCommand } from './plan.ts';
import { serve } from './serve.ts';
import { addSetupCommand } from './setup.ts';
import { status } from './status.ts';

outliveReaders([process.stdout, process.stderr]);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

const program = new Command('chorus')
  .description('Turns a GPU machine into a gpt-oss server with one OpenAI Responses API.')
  .version(chorusVersion)
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : EXIT_CODES.usage);
  });

addConfigFlags(program.command('serve'))
  .description('plan, start the engines and serve; Ctrl-C ends everything it started')
  .action((flags: Flags) => serve(flags));

addPlanCommand(program, print);
addConfigCommand(program, print);
addSetupCommand(program, print);
addDoctorCommand(program, print);

program
  .command('status')
  .description("the running server's engines")
  .option('--config <file>', 'the configuration of that server')
  .option('--state-dir <folder>', 'its state directory')
  .option('--json', 'as JSON', false)
  .action(async ({ json, ...flags }: Flags & { readonly json: boolean }) => {
    const { options } = await loadConfig(flags, process.env);
    print(await status(options.stateDir, { json }));
  });

program.parseAsync().then(
  () => process.exit(process.exitCode ?? 0),
  (error: unknown) => {
    if (!(error instanceof Refusal)) console.error(error);
    else console.error(`chorus: ${error.message}`);
    process.exit(error instanceof Refusal ? error.exitCode : EXIT_CODES.software);
  },
);
