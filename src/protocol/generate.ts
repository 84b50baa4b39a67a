/**
 * The engine's token-in, token-out wire, as vLLM 0.32 speaks it: shared by `upstream/` (which sends it) and `sim/`
 * (which answers it). Sources: vLLM `entrypoints/scale_out/token_in_token_out/protocol.py`, `entrypoints/openai/…`.
 */

/** What clients of token ids may ask of the engine beyond what Chorus itself asks. */
export interface EngineExtras {
  /** Goes on where the checkpoint's own ends come; `stop_token_ids` still end it. */
  readonly ignore_eos?: boolean;
  /** No end before so many tokens. */
  readonly min_tokens?: number;
  readonly allowed_token_ids?: readonly number[];
  readonly bad_words?: readonly string[];
  /**
   * Tokens a frame: the first comes alone, the last frame brings the rest. At least 1; absent or below the server's own
   * `--stream-interval`: as the server has it (vLLM `v1/engine/output_processor.py`).
   */
  readonly stream_interval?: number;
  /** One of vLLM's grammars (`json`, `regex`, `choice`, `grammar`, `structural_tag`); absent for free generation. */
  readonly structured_outputs?: Readonly<Record<string, unknown>>;
}

/** Sampling as sent to the engine: every value explicit, so that nothing is left to a checkpoint's generation_config. */
export interface EngineSampling extends EngineExtras {
  readonly temperature: number;
  readonly top_p: number;
  readonly top_k: number;
  readonly min_p: number;
  readonly repetition_penalty: number;
  readonly presence_penalty: number;
  readonly frequency_penalty: number;
  readonly seed: number | null;
  /** On the wire a field of the request itself; engines without priority scheduling ignore it. */
  readonly priority: number;
  readonly max_tokens: number;
  readonly stop_token_ids: readonly number[];
  /** How many alternatives to tell the log probabilities of, 0 to 20; absent: no log probabilities at all. */
  readonly logprobs?: number;
  /** Added to the logits of these token ids (as decimal keys), -100 to 100. */
  readonly logit_bias?: Readonly<Record<string, number>>;
}

export type EngineFinishReason = 'stop' | 'length' | 'abort' | 'repetition' | 'error';

export interface EngineUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number | null } | null;
}

export interface EngineLogprob {
  readonly token_id: number;
  readonly logprob: number;
  readonly top_logprobs?: readonly { readonly token_id: number; readonly logprob: number }[] | null;
}

/** One `data:` frame of either streaming route; an error frame carries `error` instead of `choices`. */
export interface EngineChunk {
  readonly choices?: readonly {
    readonly index: number;
    readonly token_ids?: readonly number[] | null;
    readonly finish_reason?: EngineFinishReason | null;
    readonly stop_reason?: number | string | null;
    /** One entry a token id, in step with `token_ids`; `/inference/v1/generate` only. */
    readonly logprobs?: { readonly content?: readonly EngineLogprob[] | null } | null;
  }[];
  readonly usage?: EngineUsage | null;
  readonly error?: EngineErrorBody;
}

export interface EngineErrorBody {
  readonly message: string;
  readonly type?: string;
  readonly param?: string | null;
  readonly code?: number | string | null;
}
