/**
 * `chorus serve` with other waiting times for its engines: `quick-chorus.ts POLICY serve FLAGS…`, POLICY being the JSON
 * of what differs from the usual ones.
 */
import { Command } from 'commander';
import { addConfigFlags } from '../../../src/cli/config-flags.ts';
import { serve } from '../../../src/cli/serve.ts';
import type { Flags } from '../../../src/config/text-sources.ts';
import { DEFAULT_POLICY, type EnginePolicy } from '../../../src/engine/policy.ts';

const [policy = '{}', ...words] = process.argv.slice(2);
const changes = JSON.parse(policy) as Partial<EnginePolicy>;
const program = new Command();
addConfigFlags(program.command('serve')).action((flags: Flags) => serve(flags, { ...DEFAULT_POLICY, ...changes }));
await program.parseAsync(words, { from: 'user' });
process.exit();
