import { afterEach, expect, it } from 'vitest';
import { joinEnginePages } from '../../src/metrics/engine-pages.ts';
import { EngineScraper } from '../../src/metrics/scrape-engines.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { jsonAnswer, type ScriptedEngine, startScriptedEngine } from '../support/scripted-engine.ts';

const engines: ScriptedEngine[] = [];

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

/** Each answer is what an engine says to its first question; null: it never answers. */
async function scrapeOf(answers: readonly (string | null)[]) {
  for (const answer of answers) {
    engines.push(await startScriptedEngine((socket) => void (answer !== null && socket.write(answer))));
  }
  const clock = new FakeClock();
  const missed: [string, string][] = [];
  const scraper = new EngineScraper({
    clock,
    targets: () => engines.map(({ socketPath }, index) => ({ engineId: `e${index}`, endpoint: { socketPath } })),
    onMissed: (...miss) => missed.push(miss),
  });
  return { clock, missed, scraper };
}

it('asks all engines and gives their pages in order', async () => {
  const { scraper, missed } = await scrapeOf([jsonAnswer(200, 'vllm:a 1\n'), jsonAnswer(200, 'vllm:a 2\n')]);
  expect(joinEnginePages(await scraper.scrape())).toBe('vllm:a{replica="e0"} 1\nvllm:a{replica="e1"} 2\n');
  expect(missed).toEqual([]);
  expect(engines[0]?.requests[0]?.head).toMatch(/^GET \/metrics HTTP\/1.1/);
});

it('leaves out an engine that does not answer within two seconds, or answers something else', async () => {
  const large = jsonAnswer(200, 'vllm:a 1\n'.repeat(200_000));
  const { clock, scraper, missed } = await scrapeOf([null, jsonAnswer(200, 'vllm:a 2\n'), jsonAnswer(503, ''), large]);
  const pages = scraper.scrape();
  await eventually('the other answers', 5000, () => (missed.length === 2 ? true : null));
  clock.advance(2000);
  expect(joinEnginePages(await pages)).toBe('vllm:a{replica="e1"} 2\n');
  expect(Object.fromEntries(missed)).toEqual({
    e0: 'no answer within 2 s',
    e2: 'status 503',
    e3: expect.stringContaining('size'),
  });
});

it('leaves out an engine that is gone', async () => {
  const { scraper, missed } = await scrapeOf([jsonAnswer(200, '')]);
  await engines[0]?.close();
  expect(await scraper.scrape()).toEqual([]);
  expect(missed).toEqual([['e0', expect.stringContaining('ENOENT')]]);
  engines.splice(0);
});

it('shares one scrape among those who ask at the same time, and makes a fresh one for whoever comes later', async () => {
  const { scraper } = await scrapeOf([jsonAnswer(200, 'vllm:a 1\n')]);
  const [first, second] = await Promise.all([scraper.scrape(), scraper.scrape()]);
  expect(second).toBe(first);
  expect(engines[0]?.requests).toHaveLength(1);
  await scraper.scrape();
  expect(engines[0]?.requests).toHaveLength(2);
});
