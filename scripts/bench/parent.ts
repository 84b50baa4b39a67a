/** What the benchmark started this program with. */
export const readStart = (): unknown => JSON.parse(process.argv[2] ?? '{}');

/**
 * Tells the benchmark that this program is ready, answers its messages one after the other, and calls `close` when it
 * has gone: nothing may then hold the process any more.
 */
export function serveParent(answer: (request: unknown) => unknown, close: () => void): void {
  process.on('message', (request) => void process.send?.(answer(request)));
  process.once('disconnect', close);
  process.send?.('ready');
}
