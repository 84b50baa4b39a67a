import type { EngineStatus } from '../engine/status.ts';

/** Prints one line for each thing that happens to an engine, and none for what only counts on. */
export class EngineProgress {
  readonly #print: (line: string) => void;
  readonly #shown = new Map<string, string>();

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  show(engines: readonly EngineStatus[]): void {
    for (const { engineId, sentence } of engines) {
      // "starting for 12 s: loading weights" is news only when the part after the time is.
      const news = sentence.replace(/\b\d+ (ms|s|min)\b( \d+ s)?/g, '…');
      if (this.#shown.get(engineId) === news) continue;
      this.#shown.set(engineId, news);
      this.#print(`${engineId}: ${sentence}`);
    }
  }
}
