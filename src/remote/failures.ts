import type { EngineFailure } from '../engine/failures.ts';

/** The code of what passes. */
export const UNREACHABLE = 'remote_unreachable';

/** It does not answer, or not as an engine that could take requests now. */
export function unreachable(reason: string): EngineFailure {
  const remedy = 'See that it runs, and that this machine reaches its url.';
  return { code: UNREACHABLE, message: reason, remedy, retry: 'patiently' };
}

/** Neither route takes and gives token ids. */
export function noTokenEndpoint(answers: string): EngineFailure {
  return {
    code: 'remote_without_token_endpoint',
    message: `it has no token endpoint (${answers}), and Chorus sends and reads nothing but token ids`,
    remedy: 'Start its vLLM with --enable-scale-out, or use one whose /v1/completions knows return_token_ids.',
    retry: 'never',
  };
}

/** What it serves is not in the catalogue. */
export function foreignModel(names: readonly string[]): EngineFailure {
  const served = names.length === 0 ? 'no model' : names.map((name) => `'${name.slice(0, 80)}'`).join(', ');
  return {
    code: 'remote_model',
    message: `it serves ${served}, and not gpt-oss-20b or gpt-oss-120b`,
    remedy: 'Give the url of an engine that serves one of these, or its --served-model-name one of these names.',
    retry: 'never',
  };
}

/** `/v1/models` is not what vLLM answers. */
export function noContextLength(answer: string): EngineFailure {
  return {
    code: 'remote_no_context_length',
    message: `its /v1/models does not tell a model with its context length (max_model_len): ${answer}`,
    remedy: 'Give the url of a vLLM, with its base path and without /v1.',
    retry: 'never',
  };
}

/** It wants another key than the one it got, or any. */
export function keyRefused(status: number, hasKey: boolean, isForwarding: boolean): EngineFailure {
  const message = hasKey
    ? `it refuses the key of its api_key_file (${status})`
    : `it asks for a key (${status}), and none is configured for it`;
  const own = isForwarding ? ', which it needs for its own questions although callers’ keys are forwarded' : '';
  const remedy = hasKey
    ? 'Put its key into the file that its api_key_file names.'
    : `Name a file with its key as api_key_file of this engine${own}.`;
  return { code: 'remote_key_refused', message, remedy, retry: 'never' };
}

/** The key's file is not there, or holds no key. */
export function keyUnreadable(reason: string): EngineFailure {
  const message = `its key cannot be read: ${reason.replace(/\.$/, '')}`;
  return { code: 'remote_key_unreadable', message, remedy: 'Put its key into that file.', retry: 'never' };
}

/** A prompt goes to the address that was given, and to no other. */
export function redirects(status: number): EngineFailure {
  const message = `it redirects (${status}) instead of answering`;
  const remedy = 'Give the address that it leads to as its url; http:// may have to be https://.';
  return { code: 'remote_redirects', message, remedy, retry: 'never' };
}

/** Its certificate does not prove that it is who it is taken for. */
export function untrusted(reason: string): EngineFailure {
  const message = `its certificate is not trusted: ${reason}`;
  const remedy =
    'Use a certificate that names its host; the authority behind a certificate of your own goes into the file of NODE_EXTRA_CA_CERTS.';
  return { code: 'remote_untrusted', message, remedy, retry: 'patiently' };
}
