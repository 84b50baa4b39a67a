import { createDecoder, type Decoder } from './decode.ts';
import { readHeader, repairHeader, type HeaderText, type MessageHeader } from './header.ts';
import { CONSTRAIN_SPELLING, FIRST_CONTROL_TOKEN, TOKENS } from './tokens.ts';
import type { Vocabulary } from './vocabulary.ts';

export type { MessageHeader } from './header.ts';

/** `cut`: the tokens ended inside the message, for example at the token limit. */
export type MessageEndKind = 'end' | 'call' | 'return' | 'cut';

export interface MessageEnd {
  readonly how: MessageEndKind;
  /** Ids generated between the header and the end. */
  readonly contentTokens: number;
  /**
   * What `AssistantMessage.tokenIds` wants to replay the message: the ids after `<|start|>assistant`, without the end.
   * Null when the message needed repair or is not the assistant's: then it is better rendered from its text.
   */
  readonly tokenIds: readonly number[] | null;
}

/** Hears the messages of a token stream in order. For every message: one start, its text in pieces, one end. */
export interface ParserSink {
  onMessageStart(header: MessageHeader): void;
  /** Never empty, never a part of a character; once for each stretch of text in a push. */
  onText(text: string): void;
  onMessageEnd(end: MessageEnd): void;
}

const ASSISTANT = new TextEncoder().encode('assistant');

/** Longer is no header. The longest real ones name a function of 64 characters or a remote tool of 128. */
const MAX_HEADER_TOKENS = 256;

const ENDS: ReadonlyMap<number, MessageEndKind> = new Map([
  [TOKENS.end, 'end'],
  [TOKENS.call, 'call'],
  [TOKENS.return, 'return'],
  // The model says that the document is over: what follows, if anything, is another message.
  [TOKENS.endOfText, 'return'],
]);

/**
 * Reads harmony messages from token ids as they arrive. Accepts every spelling that gpt-oss or a renderer is known to
 * use, and repairs what is malformed: it never throws and shows no control token as text. A header that never reaches
 * `<|message|>` is read as far as it makes sense, the rest of it becomes content; a forgotten end is supplied.
 */
export class Parser {
  readonly #decoder: Decoder;
  readonly #assistantId: number;
  #inContent = false;
  /** The open header began with `<|start|>`. */
  #started = false;
  #roleIds: number[] = [];
  #channelIds: number[] | null = null;
  #contentTokens = 0;
  /** Ids of the open message, and whether it is well-formed so far. */
  #ids: number[] = [];
  #wellFormed: boolean;

  /** `prompted`: the stream continues a prompt that ended in `<|start|>assistant`. */
  constructor(vocabulary: Vocabulary, prompted: boolean) {
    this.#decoder = createDecoder(vocabulary);
    this.#assistantId = vocabulary.find(ASSISTANT, 0, ASSISTANT.length);
    this.#wellFormed = prompted;
  }

  /** Takes the next ids of the stream, any number of them. */
  push(tokenIds: readonly number[], sink: ParserSink): void {
    for (let at = 0; at < tokenIds.length; at++) {
      const start = at;
      while (at < tokenIds.length && (tokenIds[at] ?? 0) < FIRST_CONTROL_TOKEN) at++;
      if (at > start) this.#pushText(tokenIds, start, at, sink);
      const control = tokenIds[at];
      if (control === undefined) return;
      if (this.#inContent) this.#controlInContent(control, sink);
      else this.#controlInHeader(control, sink);
    }
  }

  /** The stream is over: an open message ends as `cut`; a header that holds no text is forgotten. */
  finish(sink: ParserSink): void {
    if (this.#inContent) this.#close('cut', sink);
    else this.#rescueText('cut', sink);
  }

  #pushText(tokenIds: readonly number[], start: number, end: number, sink: ParserSink): void {
    let contentStart = start;
    if (!this.#inContent) {
      const header = this.#headerPart();
      contentStart = Math.min(end, start + MAX_HEADER_TOKENS - this.#headerLength());
      for (let at = start; at < contentStart; at++) header.push(tokenIds[at] ?? 0);
    }
    for (let at = start; at < end; at++) this.#ids.push(tokenIds[at] ?? 0);
    if (contentStart === end) return;
    let text = this.#inContent ? '' : this.#openOverlong(sink);
    text += this.#decoder.push(tokenIds, contentStart, end);
    this.#contentTokens += end - contentStart;
    if (text !== '') sink.onText(text);
  }

  #controlInContent(id: number, sink: ParserSink): void {
    const how = ENDS.get(id);
    if (how !== undefined) return this.#close(how, sink);
    this.#wellFormed = false;
    if (id === TOKENS.start || id === TOKENS.channel) {
      this.#close('end', sink);
      this.#controlInHeader(id, sink);
    } else {
      this.#contentTokens++;
    }
  }

  #controlInHeader(id: number, sink: ParserSink): void {
    const how = ENDS.get(id);
    if (how !== undefined) return this.#closeHeader(how, sink);
    if (id === TOKENS.start) {
      this.#rescueText('end', sink);
      this.#begin(true);
      return;
    }
    if (id === TOKENS.channel) this.#openChannel(sink);
    else if (id === TOKENS.constrain && this.#headerLength() < MAX_HEADER_TOKENS) this.#headerPart().push(id);
    else if (id !== TOKENS.message) this.#wellFormed = false;
    this.#ids.push(id);
    if (id === TOKENS.message) this.#open(readHeader(this.#headerText()), sink);
  }

  /** A second channel replaces the first. Where the role is known, text before the channel is no part of a header. */
  #openChannel(sink: ParserSink): void {
    if (this.#channelIds !== null) {
      this.#rescueText('end', sink);
      this.#wellFormed = false;
    } else if (this.#isAssistant() && this.#roleRest().length > 0) {
      this.#rescueText('end', sink);
    }
    this.#channelIds = [];
  }

  #open(header: MessageHeader, sink: ParserSink): void {
    this.#inContent = true;
    this.#contentTokens = 0;
    this.#decoder.reset();
    sink.onMessageStart(header);
  }

  /** Opens the message of a header that has grown too long to be one, and returns the part of it that is content. */
  #openOverlong(sink: ParserSink): string {
    const { header, text } = repairHeader(this.#headerText());
    this.#wellFormed = false;
    this.#inContent = true;
    this.#contentTokens = this.#headerLength();
    sink.onMessageStart(header);
    return text.trimStart();
  }

  /** An end without `<|message|>` before it: a message without content, or one that is all content. */
  #closeHeader(how: MessageEndKind, sink: ParserSink): void {
    const { header } = repairHeader(this.#headerText());
    const isNamed = header.channel !== null || header.recipient !== null;
    if (!this.#rescueText(how, sink) && isNamed) {
      this.#open(header, sink);
      this.#wellFormed = false;
      this.#close(how, sink);
    }
    this.#begin(false);
  }

  /** Delivers what the open header holds besides a header as a message of its own; false when that is nothing. */
  #rescueText(how: MessageEndKind, sink: ParserSink): boolean {
    if (this.#headerLength() === 0) return false;
    const { header, text } = repairHeader(this.#headerText());
    const content = text.trimStart();
    if (content === '') return false;
    this.#open(header, sink);
    sink.onText(content);
    this.#contentTokens = this.#headerLength();
    this.#wellFormed = false;
    this.#close(how, sink);
    return true;
  }

  #close(how: MessageEndKind, sink: ParserSink): void {
    const end: MessageEnd = { how, contentTokens: this.#contentTokens, tokenIds: this.#replayableIds() };
    this.#begin(false);
    sink.onMessageEnd(end);
  }

  /** Between messages, or after `<|start|>`. Text there is a header, and not one to replay without its `<|start|>`. */
  #begin(started: boolean): void {
    this.#inContent = false;
    this.#started = started;
    this.#roleIds = [];
    this.#channelIds = null;
    this.#ids = [];
    this.#wellFormed = started;
  }

  #replayableIds(): readonly number[] | null {
    if (!this.#wellFormed) return null;
    if (!this.#started) return this.#ids;
    return this.#ids[0] === this.#assistantId ? this.#ids.slice(1) : null;
  }

  #headerPart(): number[] {
    return this.#channelIds ?? this.#roleIds;
  }

  #headerLength(): number {
    return this.#roleIds.length + (this.#channelIds?.length ?? 0);
  }

  #headerText(): HeaderText {
    const rolePart = this.#spell(this.#roleRest());
    const channelPart = this.#channelIds === null ? null : this.#spell(this.#channelIds);
    return { isAssistant: this.#isAssistant(), rolePart, channelPart };
  }

  /** The prompt ended in the role, or `<|start|>` is forgotten, or the role's token comes first. */
  #isAssistant(): boolean {
    return !this.#started || this.#roleIds[0] === this.#assistantId;
  }

  /** The ids between role and channel. */
  #roleRest(): number[] {
    return this.#started && this.#isAssistant() ? this.#roleIds.slice(1) : this.#roleIds;
  }

  #spell(ids: readonly number[]): string {
    this.#decoder.reset();
    return ids.map((id) => (id === TOKENS.constrain ? CONSTRAIN_SPELLING : this.#decoder.push([id]))).join('');
  }
}

/** A parser for one generation: the prompt ended in `<|start|>assistant`, and the ids are what the model said then. */
export function createParser(vocabulary: Vocabulary): Parser {
  return new Parser(vocabulary, true);
}

/** A message of a conversation that was read back from its ids. */
export interface ParsedMessage extends MessageHeader {
  readonly text: string;
  /** `cut` for one that the ids do not end. */
  readonly how: MessageEndKind;
}

/** Reads a whole prompt back, from `<|start|>system` on; a header left open at its end (`<|start|>assistant`) is no message. */
export function parseConversation(vocabulary: Vocabulary, tokenIds: readonly number[]): ParsedMessage[] {
  const parser = new Parser(vocabulary, false);
  const messages: ParsedMessage[] = [];
  let open: MessageHeader | null = null;
  let text = '';
  const sink: ParserSink = {
    onMessageStart(header) {
      open = header;
      text = '';
    },
    onText(added) {
      text += added;
    },
    onMessageEnd({ how }) {
      if (open !== null) messages.push({ ...open, text, how });
    },
  };
  parser.push(tokenIds, sink);
  parser.finish(sink);
  return messages;
}
