import { CONSTRAIN_SPELLING } from './tokens.ts';

/** What the header of a message says. Spelled as the model spelled it: an unknown role or channel is passed on. */
export interface MessageHeader {
  readonly role: string;
  /** `analysis`, `commentary`, `final`, or what else the model made up; null when it named none. */
  readonly channel: string | null;
  /** Whom the message is for, such as `functions.get_weather`; null when it is for nobody in particular. */
  readonly recipient: string | null;
  /** Such as `json`; without `<|constrain|>`. */
  readonly contentType: string | null;
}

/** Whether a message is the answer: on the final channel, or without any header, and for nobody in particular. */
export const isAnswer = ({ channel, recipient }: MessageHeader): boolean =>
  (channel === 'final' || channel === null) && recipient === null;

/** A header's text, `<|constrain|>` spelled out. */
export interface HeaderText {
  /** The role is known to be the assistant's, unless the header repeats one; otherwise the first word is the role. */
  readonly isAssistant: boolean;
  /** What stands before `<|channel|>`. */
  readonly rolePart: string;
  /** What stands after `<|channel|>`; null without that token. */
  readonly channelPart: string | null;
}

const KNOWN_ROLE = /^\s*(?:assistant|user|system|developer|functions\.[\w.-]+)(?=\s|$)/;
/** A known name, even if text is glued to it, or a single word, such as the beginning of a name that was cut off. */
const CHANNEL = /^\s*(?:analysis|commentary|final|\S+\s*$)/;
/** Nearly every header is one of these and nothing else. */
const PLAIN_CHANNELS = new Set(['analysis', 'commentary', 'final']);
const ANY_WORD = /^\s*\S+/;
/** What may follow role or channel when it is not known where the header ends. */
const HEADER_WORD = /^\s*(?:to(?:=[\w.-]*|$)|<\|constrain\|>\s*(?:json|code)?|(?:json|code)\b)/;

/** Reads a header that `<|message|>` ended. Accepts recipient and content type in either part, in any order. */
export function readHeader({ isAssistant, rolePart, channelPart }: HeaderText): MessageHeader {
  if (isAssistant && rolePart === '' && channelPart !== null && PLAIN_CHANNELS.has(channelPart)) {
    return { role: 'assistant', channel: channelPart, recipient: null, contentType: null };
  }
  const roleWords = words(rolePart);
  const channelWords = words(channelPart ?? '');
  const first = roleWords[0];
  const hasRole = first !== undefined && (isAssistant ? KNOWN_ROLE.test(first) : !isDetail(first));
  const hasChannel = channelWords[0] !== undefined && !isDetail(channelWords[0]);
  const details = [...roleWords.slice(hasRole ? 1 : 0), ...channelWords.slice(hasChannel ? 1 : 0)];
  const types = details.filter((word) => !isRecipient(word)).map((word) => word.replace(CONSTRAIN_SPELLING, ''));
  return {
    role: hasRole ? first : 'assistant',
    channel: hasChannel ? (channelWords[0] ?? null) : null,
    recipient: details.findLast(isRecipient)?.replace(/^to=/, '') ?? null,
    contentType: types.find((word) => word !== '') ?? null,
  };
}

const words = (part: string): string[] =>
  part.replaceAll(CONSTRAIN_SPELLING, ` ${CONSTRAIN_SPELLING}`).split(/\s+/).filter(Boolean);

/** The model sometimes forgets the `to=`. */
const isRecipient = (word: string): boolean => word.startsWith('to=') || word.startsWith('functions.');

const isDetail = (word: string): boolean => word.startsWith('to=') || word.startsWith(CONSTRAIN_SPELLING);

/** Makes sense of a header without `<|message|>`: what reads as a header is one, the rest is what the model wanted to say. */
export function repairHeader({ isAssistant, rolePart, channelPart }: HeaderText): {
  header: MessageHeader;
  text: string;
} {
  const role = splitDetails(rolePart, isAssistant ? KNOWN_ROLE : ANY_WORD);
  const channel = splitDetails(channelPart ?? '', CHANNEL);
  const header = readHeader({ isAssistant, rolePart: role.header, channelPart: channel.header });
  const text = role.text.trim() === '' ? channel.text : role.text + channel.text;
  return { header, text: text.replaceAll(CONSTRAIN_SPELLING, '') };
}

/** Cuts a part after its first word, where that is `name`, and the header words that follow it. */
function splitDetails(part: string, name: RegExp): { header: string; text: string } {
  let length = name.exec(part)?.[0].length ?? 0;
  for (let word; (word = HEADER_WORD.exec(part.slice(length))) !== null;) length += word[0].length;
  return { header: part.slice(0, length), text: part.slice(length) };
}
