import { isAnswer } from '../harmony/header.ts';
import type { MessageEnd, MessageHeader, ParserSink } from '../harmony/parse.ts';
import type { EngineLogprob } from '../protocol/generate.ts';
import { AnswerText } from './answer-text.ts';
import type { OutputListener } from './progress.ts';

/**
 * Between parser and listener: ends the answer before the first of some strings and puts log probabilities before the
 * text that they belong to. Reasoning and calls pass as they are: a stop string in them means nothing.
 */
export class AnswerFilter implements ParserSink {
  readonly #listener: OutputListener;
  readonly #answer: AnswerText;
  #inAnswer = false;
  #openMessage: MessageHeader | null = null;
  #hasStarted = false;

  constructor(listener: OutputListener, stop: readonly string[]) {
    this.#listener = listener;
    this.#answer = new AnswerText(listener, stop);
  }

  /** Something was handed on. */
  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** The message whose text is coming; null between messages. */
  get openMessage(): MessageHeader | null {
    return this.#openMessage;
  }

  /** A stop string has ended the answer: nothing more is handed on. */
  get isStopped(): boolean {
    return this.#answer.isStopped;
  }

  /** The log probability of the next token, whose text has so many bytes; before the parser gets the token. */
  addLogprob(logprob: EngineLogprob, byteCount: number): void {
    this.#answer.addLogprob(logprob, byteCount);
  }

  onMessageStart(header: MessageHeader): void {
    if (this.isStopped) return;
    this.#hasStarted = true;
    this.#openMessage = header;
    this.#inAnswer = isAnswer(header);
    this.#listener.onMessageStart(header);
  }

  onText(text: string): void {
    if (this.isStopped) return;
    if (!this.#inAnswer) {
      this.#answer.dropLogprobs();
      return this.#listener.onText(text);
    }
    this.#answer.push(text);
    // How many tokens the kept text took is not known once it is cut, and only reasoning is counted by them.
    if (this.isStopped) this.#listener.onMessageEnd({ how: 'return', contentTokens: 0, tokenIds: null });
  }

  onMessageEnd(end: MessageEnd): void {
    if (this.isStopped) return;
    this.#openMessage = null;
    this.#answer.flush();
    this.#listener.onMessageEnd(end);
  }
}
