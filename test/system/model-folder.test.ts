import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readModelFolder } from '../../src/system/model-folder.ts';

const CONFIG = {
  model_type: 'gpt_oss',
  num_hidden_layers: 4,
  num_key_value_heads: 2,
  head_dim: 64,
  max_position_embeddings: 4096,
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chorus-model-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, content: string): void => writeFileSync(join(folder, name), content);

it('reads size, context and attention shape of a small unquantised checkpoint', async () => {
  write('config.json', JSON.stringify(CONFIG));
  write('model-1.safetensors', 'x'.repeat(1000));
  write('model-2.safetensors', 'x'.repeat(234));
  write('tokenizer.json', 'x'.repeat(5000));
  expect(await readModelFolder(folder)).toEqual({
    path: folder,
    model: 'gpt-oss-20b',
    diskBytes: 1234,
    layerCount: 4,
    kvBytesPerTokenAndLayer: 512,
    maxContextTokens: 4096,
    quantised: false,
  });
});

it('takes 36 layers for a gpt-oss-120b, and a quantization_config for MXFP4', async () => {
  write(
    'config.json',
    JSON.stringify({ ...CONFIG, num_hidden_layers: 36, quantization_config: { quant_method: 'mxfp4' } }),
  );
  write('model.safetensors', 'x');
  expect(await readModelFolder(folder)).toMatchObject({ model: 'gpt-oss-120b', layerCount: 36, quantised: true });
});

it('takes the published shape for what config.json does not say', async () => {
  write('config.json', JSON.stringify({ model_type: 'gpt_oss', num_hidden_layers: 24 }));
  write('model.safetensors', 'x');
  expect(await readModelFolder(folder)).toMatchObject({ kvBytesPerTokenAndLayer: 2048, maxContextTokens: 131_072 });
});

it('follows the links of a Hugging Face cache', async () => {
  mkdirSync(join(folder, 'blobs'));
  write('blobs/abc', 'x'.repeat(77));
  write('config.json', JSON.stringify(CONFIG));
  symlinkSync('blobs/abc', join(folder, 'model.safetensors'));
  expect(await readModelFolder(folder)).toMatchObject({ diskBytes: 77 });
});

it.for<[string, number, RegExp, () => void]>([
  ['no config.json', 66, /config\.json cannot be read .* --model-path takes the folder of a checkpoint\.$/, () => {}],
  ['a broken config.json', 65, /config\.json is not JSON .* Download it again\.$/, () => write('config.json', '{')],
  [
    'another kind of model',
    65,
    /is not of a gpt-oss model \(model_type "gpt_oss"\)\.$/,
    () => write('config.json', JSON.stringify({ ...CONFIG, model_type: 'llama' })),
  ],
  ['no weights', 65, /has no weights: /, () => write('config.json', JSON.stringify(CONFIG))],
])('refuses a folder with %s: exit code %d', async ([, exitCode, message, prepare]) => {
  prepare();
  await expect(readModelFolder(folder)).rejects.toMatchObject({ name: 'Refusal', exitCode, message });
});
