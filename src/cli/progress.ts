import type { ProgressStyle } from '../config/schema.ts';
import type { CancelTimer, Clock } from '../domain/clock.ts';
import { formatTimeLeft } from '../domain/units.ts';
import { describeProgress } from '../engine/outlook.ts';
import type { Progress } from '../engine/start-estimate.ts';
import type { EngineStatus } from '../engine/status.ts';
import type { StatusReport } from '../gateway/reports.ts';
import type { SetupProgress } from '../setup/setup-plan.ts';
import { SetupLines } from './setup-lines.ts';

type Started = Pick<StatusReport, 'setup' | 'engines'>;

/** Shows a start to a person or a log. `print` writes a whole line without disturbing what is shown. */
export interface StartView {
  readonly print: (line: string) => void;
  /** Something has changed; `read` tells the present state, whenever the view wants to know it. */
  readonly show: (read: () => Started) => void;
  /** Ends redrawing; later lines are plain. */
  readonly close: () => void;
}

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says about the terminal. */
interface ViewStyle {
  readonly style: ProgressStyle;
  /** A terminal that cannot move its cursor, or a log that a build server keeps. */
  readonly isDumb: boolean;
  readonly hasColor: boolean;
}

/** Reads `NO_COLOR` (no-color.org: set and not empty), `CI` and `TERM=dumb`. */
export function viewStyle(style: ProgressStyle, { CI, TERM, NO_COLOR }: Environment): ViewStyle {
  return { style, isDumb: Boolean(CI) || TERM === 'dumb', hasColor: !NO_COLOR };
}

/** A block that redraws on a terminal that can, else plain lines, or one JSON object a line where that was asked for. */
export function createStartView(output: Output, { style, isDumb, hasColor }: ViewStyle, clock: Clock): StartView {
  if (style === 'json') return new JsonLines(output);
  const isLive = style === 'live' || (style === 'auto' && output.isTTY === true && !isDumb);
  return isLive ? new LiveBlock(output, clock, hasColor && output.isTTY === true) : new PlainLines(output, clock);
}

/** One line for each thing that happens, and none for what only counts on. */
class PlainLines implements StartView {
  readonly #output: Output;
  readonly #setup: SetupLines;
  readonly #shown = new Map<string, string>();

  constructor(output: Output, clock: Clock) {
    this.#output = output;
    this.#setup = new SetupLines(this.print, clock);
  }

  readonly print = (line: string): void => void this.#output.write(`${line}\n`);

  readonly show = (read: () => Started): void => {
    const { setup, engines } = read();
    for (const step of setup) this.#setup.show(step);
    if (setup.length > 0) return;
    for (const { engineId, sentence, progress } of engines) {
      const news = withoutTimes(sentence);
      if (this.#shown.get(engineId) === news) continue;
      this.#shown.set(engineId, news);
      this.print(`${engineId}: ${sentence}${estimateOf(progress)}`);
    }
  };

  readonly close = (): void => undefined;
}

/** "starting for 12 s: loading weights" is news only when the part after the time is. */
export const withoutTimes = (sentence: string): string => sentence.replace(/\b\d+ (ms|s|min)\b( \d+ s)?/g, '…');

/** What stands behind a line where there is an estimate. It counts on by itself, and is no news. */
export const estimateOf = (progress: Progress | null): string =>
  progress?.leftMs == null ? '' : ` (${describeProgress(progress)})`;

class JsonLines implements StartView {
  readonly #output: Output;
  #last = '';

  constructor(output: Output) {
    this.#output = output;
  }

  readonly print = (line: string): void => this.#write({ event: 'message', text: line });

  readonly show = (read: () => Started): void => {
    const { setup, engines } = read();
    const shown = engines.map(({ engineId, phase, sentence, progress }) => ({ engineId, phase, sentence, progress }));
    this.#write({ event: 'progress', setup, engines: shown });
  };

  readonly close = (): void => undefined;

  #write(value: object): void {
    const line = JSON.stringify(value);
    if (line === this.#last) return;
    this.#last = line;
    this.#output.write(`${line}\n`);
  }
}

/** Often enough for a bar that moves, seldom enough for a slow terminal. */
const REDRAW_MS = 500;
const BAR_CELLS = 20;
/** A terminal that does not know its width says 0. */
const DEFAULT_COLUMNS = 80;

/** One block at the end of the terminal: a line for each step and engine, until every engine has settled. */
class LiveBlock implements StartView {
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #hasColor: boolean;
  #read: (() => Started) | null = null;
  #drawnLines = 0;
  #cancelTimer: CancelTimer | null = null;
  /** Of the last block: what has settled is not drawn again. */
  #settledBlock = '';

  constructor(output: Output, clock: Clock, hasColor: boolean) {
    this.#output = output;
    this.#clock = clock;
    this.#hasColor = hasColor;
  }

  readonly print = (line: string): void => {
    this.#output.write(`${this.#erase()}${line}\n`);
    if (this.#cancelTimer) this.#draw();
  };

  readonly show = (read: () => Started): void => {
    this.#read = read;
    this.#cancelTimer ??= this.#clock.schedule(0, this.#tick);
  };

  readonly close = (): void => {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#read = null;
    this.#drawnLines = 0;
  };

  readonly #tick = (): void => {
    this.#cancelTimer = null;
    const isMoving = this.#draw();
    if (isMoving) this.#cancelTimer = this.#clock.schedule(REDRAW_MS, this.#tick);
  };

  /** Says whether anything still moves. What has settled stays on the screen as it is. */
  #draw(): boolean {
    if (this.#read === null) return false;
    const report = this.#read();
    const lines = startLines(report, (this.#output.columns || DEFAULT_COLUMNS) - 1, this.#hasColor);
    const isMoving = report.setup.length > 0 || report.engines.some(({ phase }) => !SETTLED.has(phase));
    const block = lines.map((line) => `${line}\n`).join('');
    if (!isMoving && block === this.#settledBlock) return false;
    this.#output.write(this.#erase() + block);
    this.#settledBlock = isMoving ? '' : block;
    this.#drawnLines = isMoving ? lines.length : 0;
    return isMoving;
  }

  #erase(): string {
    const up = this.#drawnLines > 0 ? `\u001b[${this.#drawnLines}A\r\u001b[J` : '';
    this.#drawnLines = 0;
    return up;
  }
}

const SETTLED: ReadonlySet<string> = new Set(['ready', 'failed', 'stopped']);

/** The block's lines, none longer than `columns`: the setup while it runs, else the engines. */
export function startLines({ setup, engines }: Started, columns: number, hasColor: boolean): readonly string[] {
  const lines = setup.length > 0 ? setup.map(setupLine) : engines.map(engineLine);
  return lines.map(({ text, tone }) => paint(text.slice(0, columns), hasColor ? tone : null));
}

interface Line {
  readonly text: string;
  readonly tone: 'green' | 'red' | null;
}

function setupLine({ step, fraction, leftMs, sentence }: SetupProgress): Line {
  const percent = fraction === null ? null : Math.floor(100 * fraction);
  return { text: barLine({ name: step, percent, leftMs, sentence }), tone: null };
}

function engineLine({ engineId, phase, progress, sentence }: EngineStatus): Line {
  const tone = phase === 'ready' ? 'green' : phase === 'failed' ? 'red' : null;
  if (progress === null) return { text: `  ${engineId.padEnd(9)} ${sentence}`, tone };
  const { percent, leftMs } = progress;
  return { text: barLine({ name: engineId, percent, leftMs, sentence }), tone };
}

interface Bar {
  readonly name: string;
  readonly percent: number | null;
  readonly leftMs: number | null;
  readonly sentence: string;
}

function barLine({ name, percent, leftMs, sentence }: Bar): string {
  const done = Math.round(((percent ?? 0) / 100) * BAR_CELLS);
  const bar = percent === null ? '' : `[${'#'.repeat(done).padEnd(BAR_CELLS, '.')}] ${String(percent).padStart(2)} %  `;
  const left = leftMs === null ? '' : `, about ${formatTimeLeft(leftMs)} left`;
  return `  ${name.padEnd(9)} ${bar}${sentence}${left}`;
}

const TONES = { green: 32, red: 31 };

function paint(text: string, tone: Line['tone']): string {
  return tone === null ? text : `\u001b[${TONES[tone]}m${text}\u001b[0m`;
}
