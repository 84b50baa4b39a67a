import OpenAI, { APIError } from 'openai';
import { createChatApi } from './chat-api.ts';
import type { ApiChoice } from './choose-api.ts';
import type { ModelApi, ModelCall, OnDelta } from './model-api.ts';
import { createResponsesApi } from './responses-api.ts';
import { given } from './options.ts';
import type { Reply } from './result.ts';
import type { Settings } from './settings.ts';

/** Holds which API is used, and the connection behind it: shared by an LM and its forks, which learn of each other. */
export class ApiSwitch {
  readonly #settings: Settings;
  readonly #http: OpenAI;
  readonly #responses: ModelApi;
  readonly #chat: ModelApi;
  #harmony: Promise<ModelApi> | null = null;
  #choice: ApiChoice;

  constructor(settings: Settings) {
    const { baseURL, apiKey, maxRetries, timeoutMs: timeout } = settings;
    this.#settings = settings;
    this.#http = new OpenAI({ baseURL, apiKey, ...given({ maxRetries, timeout }) });
    this.#responses = createResponsesApi(this.#http);
    this.#chat = createChatApi(this.#http);
    this.#choice = settings.choice;
  }

  get choice(): ApiChoice {
    return this.#choice;
  }

  /**
   * Asks by the API of choice. Where that may be wrong about the server, a server without `/responses` is asked by chat
   * and from then on no other way; a call that goes on from a response is not, because chat would not know what was said.
   */
  async call(call: ModelCall, onDelta: OnDelta | null): Promise<Reply> {
    const choice = this.#choice;
    const api = await this.#apiOf(choice);
    if (!choice.canFallBack) return api.call(call, onDelta);
    try {
      const reply = await api.call(call, onDelta);
      this.#choice = { ...choice, canFallBack: false };
      return reply;
    } catch (error) {
      if (call.previousResponseId !== null || !saysNoSuchRoute(error)) throw error;
      this.#choice = { apiType: 'chat', reason: 'the server has no /responses', canFallBack: false };
      return this.#chat.call(call, onDelta);
    }
  }

  async #apiOf({ apiType }: ApiChoice): Promise<ModelApi> {
    if (apiType !== 'harmony') return apiType === 'chat' ? this.#chat : this.#responses;
    return (this.#harmony ??= this.#loadHarmony());
  }

  /** Vocabulary and parser are megabytes that the other modes do without. */
  async #loadHarmony(): Promise<ModelApi> {
    const { createHarmonyApi } = await import('./harmony-api.ts');
    const { generateURL: url, clock } = this.#settings;
    return createHarmonyApi({ http: this.#http, url, clock });
  }
}

/** A 404 that names a parameter, or is about a model, is an answer of the route. */
function saysNoSuchRoute(error: unknown): boolean {
  if (!(error instanceof APIError)) return false;
  if (error.status === 405) return true;
  const isOfRoute = error.param || error.code === 'model_not_found' || error.type === 'NotFoundError';
  return error.status === 404 && !isOfRoute;
}
