import { expect, it } from 'vitest';
import { Hub } from '../../src/setup/hub.ts';
import { readHubSettings } from '../../src/setup/hub-settings.ts';

it.each([
  [{ HF_ENDPOINT: 'hub.example' }, 'HF_ENDPOINT is hub.example, which is no web address.'],
  [{ HTTPS_PROXY: 'ftp://u:secret@proxy' }, 'HTTP_PROXY, HTTPS_PROXY or ALL_PROXY is no address of a proxy.'],
  [{ HF_TOKEN: 'hf_ä' }, 'The token of the hub holds characters that no token has.'],
])('a hub refuses %j, and shows no secret', (environment, sentence) => {
  const open = (): Hub => new Hub(readHubSettings(environment));
  expect(open).toThrow(expect.objectContaining({ code: 'hub_settings', exitCode: 64, sentence }));
});

it('a proxy without a scheme is one of HTTP', () => {
  const { httpProxy, httpsProxy } = readHubSettings({ HTTP_PROXY: 'proxy:3128', ALL_PROXY: 'http://all:1' });
  expect([httpProxy, httpsProxy]).toEqual(['http://proxy:3128', 'http://all:1']);
});
