import { Command } from 'commander';
import { defaultStateDir, type ServeFlags } from '../config/options.ts';
import { EXIT_CODES, Refusal } from '../domain/refusal.ts';
import { chorusVersion } from '../orchestrator.ts';
import { outliveReaders } from './output.ts';
import { addPlanCommand } from './plan.ts';
import { serve } from './serve.ts';
import { status } from './status.ts';

outliveReaders([process.stdout, process.stderr]);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

const program = new Command('chorus')
  .description('Turns a GPU machine into a gpt-oss server with one OpenAI Responses API.')
  .version(chorusVersion)
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : EXIT_CODES.usage);
  });

program
  .command('serve')
  .description('plan, start the engines and serve; Ctrl-C ends everything it started')
  .option('--engine <kind>', 'auto, gpu, cpu (vLLM on the CPU) or simulated', 'gpu')
  .option('--model-path <folder>', 'a local checkpoint instead of the published one')
  .option('--python <file>', "interpreter of vLLM's environment (default: vllm on the PATH)")
  .option('--replicas <n>', 'copies of the model (default: as many as fit)')
  .option('--state-dir <folder>', 'where key, logs and sockets live (default: ~/.local/state/chorus)')
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--port <n>', 'port to listen on', '8000')
  .option('--reasoning <visibility>', "shown or hidden: the text of the model's reasoning", 'shown')
  .action((flags: ServeFlags) => serve(flags, print));

addPlanCommand(program, print);

program
  .command('status')
  .description("the running server's engines")
  .option('--state-dir <folder>', 'the state directory of that server')
  .option('--json', 'as JSON', false)
  .action(async ({ stateDir, json }: { stateDir?: string; json: boolean }) => {
    print(await status(stateDir ?? defaultStateDir(process.env), { json }));
  });

program.parseAsync().then(
  () => process.exit(process.exitCode ?? 0),
  (error: unknown) => {
    if (!(error instanceof Refusal)) console.error(error);
    else console.error(`chorus: ${error.message}`);
    process.exit(error instanceof Refusal ? error.exitCode : EXIT_CODES.software);
  },
);
