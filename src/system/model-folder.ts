import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '../domain/json.ts';
import { KV_BYTES_PER_TOKEN_AND_LAYER, MODELS, type ModelFolder } from '../domain/model.ts';
import { Refusal } from '../domain/refusal.ts';

/** The keys of a gpt-oss `config.json` (Hugging Face `GptOssConfig`) that placement needs. */
interface GptOssConfig {
  readonly model_type?: unknown;
  readonly num_hidden_layers?: unknown;
  readonly num_key_value_heads?: unknown;
  readonly head_dim?: unknown;
  readonly max_position_embeddings?: unknown;
  readonly quantization_config?: unknown;
}

const BF16_BYTES = 2;

/**
 * What placement needs to know of a checkpoint folder. 36 layers make it a gpt-oss-120b, any other number a 20b.
 * Throws a `Refusal`: exit code 66 if the folder or its config.json is not there, 65 if they are no gpt-oss checkpoint.
 */
export async function readModelFolder(path: string): Promise<ModelFolder> {
  const config = await readConfig(path);
  const layerCount = config.num_hidden_layers;
  if (config.model_type !== 'gpt_oss' || typeof layerCount !== 'number') {
    throw new Refusal('data', `${join(path, 'config.json')} is not of a gpt-oss model (model_type "gpt_oss").`);
  }
  const diskBytes = await weightFileBytes(path);
  if (diskBytes === 0) {
    throw new Refusal('data', `${path} has no weights: *.safetensors files must lie beside config.json.`);
  }
  const model = layerCount === MODELS['gpt-oss-120b'].layerCount ? 'gpt-oss-120b' : 'gpt-oss-20b';
  const { num_key_value_heads: kvHeads, head_dim: headDim, max_position_embeddings: maxContext } = config;
  return {
    path,
    model,
    diskBytes,
    layerCount,
    kvBytesPerTokenAndLayer:
      typeof kvHeads === 'number' && typeof headDim === 'number'
        ? 2 * kvHeads * headDim * BF16_BYTES
        : KV_BYTES_PER_TOKEN_AND_LAYER,
    maxContextTokens: typeof maxContext === 'number' ? maxContext : MODELS[model].maxContextTokens,
    quantised: isObject(config.quantization_config),
  };
}

async function readConfig(path: string): Promise<GptOssConfig> {
  const file = join(path, 'config.json');
  try {
    const config: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isObject(config) ? config : {};
  } catch (cause) {
    if (cause instanceof SyntaxError) {
      throw new Refusal('data', `${file} is not JSON (${cause.message}). Download it again.`, { cause });
    }
    const message = `${file} cannot be read (${(cause as Error).message}). --model-path takes the folder of a checkpoint.`;
    throw new Refusal('noInput', message, { cause });
  }
}

/** Follows links: in a Hugging Face cache the files of a snapshot are links to blobs. */
async function weightFileBytes(path: string): Promise<number> {
  const names = (await readdir(path)).filter((name) => name.endsWith('.safetensors'));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(path, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
