/** Prints which modules the client library loads: at first, and once harmony mode has been used. */
import { registerHooks } from 'node:module';

const loaded: string[] = [];
registerHooks({
  load(url, context, nextLoad) {
    loaded.push(url);
    return nextLoad(url, context);
  },
});

const { LM } = await import('../../../src/client/index.ts');
const nobody = { baseURL: 'http://127.0.0.1:9/v1', maxRetries: 0 };
await new LM('gpt-oss-20b', nobody).respond('Hi').catch(() => {});
await new LM('gpt-oss-20b', { ...nobody, mode: 'chat' }).respond('Hi').catch(() => {});
const atFirst = [...loaded];
await new LM('gpt-oss-20b', { ...nobody, mode: 'harmony' }).respond('Hi').catch(() => {});
process.stdout.write(JSON.stringify({ atFirst, withHarmony: loaded }));
