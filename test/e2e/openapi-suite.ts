import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningChorus } from '../support/chorus-process.ts';
import { keepExchanges, openApiJudge, type OpenApiDocument } from '../support/openapi.ts';
import { getJson } from '../support/responses-client.ts';

/** Behind the suites of one server: everything that they sent and got is as `/openapi.json` has it. */
export function openApiSuite(chorus: () => RunningChorus): void {
  let kept: ReturnType<typeof keepExchanges>;
  beforeAll(() => void (kept = keepExchanges()));
  afterAll(() => kept.stop());

  it('answers all of the above as /openapi.json says', async () => {
    const { body: document } = await getJson<OpenApiDocument>(`${chorus().url}/openapi.json`);
    const judge = openApiJudge(document);
    const told = kept.exchanges.filter(({ path }) => /^\/(?:v1|admin|inference)\//.test(path));
    expect(told.length).toBeGreaterThan(20);
    expect(told.flatMap((exchange) => judge(exchange))).toEqual([]);
  });
}
