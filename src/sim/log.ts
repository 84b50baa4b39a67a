import type { Clock } from '../domain/clock.ts';
import type { SimulatorOptions } from './command-line.ts';

/** Process of vLLM that a line comes from. */
type Origin = 'APIServer' | 'EngineCore' | 'Worker';

interface LogLine {
  /** When, as a share of the whole start. */
  readonly at: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** A line as vLLM logs it: `(EngineCore pid=7) INFO 11-24 11:54:54 [core.py:133] …`, in local time or, here, UTC. */
export function logLine(clock: Clock, origin: Origin, source: string, text: string): string {
  const time = new Date(clock.nowMs()).toISOString().slice(5, 19).replace('T', ' ');
  return `(${origin} pid=${process.pid}) INFO ${time} [${source}] ${text}\n`;
}

/** The milestones of a start of vLLM 0.32, in their order and with their shares of its time. */
export function startLines(clock: Clock, options: SimulatorOptions): LogLine[] {
  const { model, maxModelLen, listen } = options;
  const out = (at: number, origin: Origin, source: string, text: string): LogLine => ({
    at,
    stream: 'stdout',
    text: logLine(clock, origin, source, text),
  });
  const shards = (percent: number): LogLine => ({
    at: 0.7 + percent / 1000,
    stream: 'stderr',
    text: `Loading safetensors checkpoint shards: ${String(percent).padStart(3)}% Completed | ${percent / 100}/1\n`,
  });
  const address = 'socketPath' in listen ? `unix:${listen.socketPath}` : `http://${listen.host}:${listen.port}`;
  return [
    out(0.1, 'APIServer', 'api_utils.py:347', 'version 0.32.0 (simulated)'),
    out(0.1, 'APIServer', 'api_utils.py:347', `model   ${model}`),
    out(0.3, 'APIServer', 'model.py:733', 'Resolved architecture: GptOssForCausalLM'),
    out(0.3, 'APIServer', 'model.py:2152', `Using max model len ${maxModelLen}`),
    out(0.5, 'EngineCore', 'core.py:133', `Initializing a V1 LLM engine (v0.32.0) with config: model='${model}'`),
    out(0.7, 'Worker', 'cpu_model_runner.py:68', `Starting to load model ${model}...`),
    shards(0),
    shards(100),
    out(0.8, 'Worker', 'default_loader.py:501', 'Loading weights took 0.14 seconds'),
    out(0.8, 'EngineCore', 'kv_cache_utils.py:2327', 'CPU KV cache size: 671,088 tokens'),
    out(0.9, 'EngineCore', 'core.py:402', 'init engine (profile, create kv cache, warmup model) took 0.01 s'),
    out(1, 'APIServer', 'entry.py:136', "Supported tasks: ['generate']"),
    out(1, 'APIServer', 'entry.py:140', `Starting vLLM server on ${address}`),
  ];
}
