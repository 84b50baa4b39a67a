import { Type, type Static } from 'typebox';

type RemoteEngineSetting = Static<typeof REMOTE_ENGINES>[number];

/** The same with everything decided. */
export interface RemoteEngineOptions {
  /** Its name in status, metrics and commands. */
  readonly engineId: string;
  /** `http:` or `https:`, without credentials, query or fragment. */
  readonly url: string;
  /** Absolute; null: it gets no key of Chorus. */
  readonly apiKeyFile: string | null;
  /** Requests carry their caller's `Authorization` header. */
  readonly forwardsAuthorization: boolean;
}

const MOST = 64;

/** Engines of this machine are called `e0`, `e1` and so on; those elsewhere `r0`, `r1` where they have no other name. */
const NAME = /^(?!e\d+$)[a-z][a-z0-9-]{0,31}$/;

export function remoteEngineOptions(settings: readonly RemoteEngineSetting[]): readonly RemoteEngineOptions[] {
  return settings.map((setting, index) => {
    const { url, name, api_key_file, forward_authorization } = withUrl(setting);
    return {
      engineId: name ?? `r${index}`,
      url,
      apiKeyFile: api_key_file ?? null,
      forwardsAuthorization: forward_authorization ?? false,
    };
  });
}

const withUrl = (setting: RemoteEngineSetting): Exclude<RemoteEngineSetting, string> =>
  typeof setting === 'string' ? { url: setting } : setting;

/** The same settings with the paths of their key files made absolute. */
function withAbsoluteKeyFiles(
  settings: readonly RemoteEngineSetting[],
  absolute: (path: string) => string,
): readonly RemoteEngineSetting[] {
  return settings.map((setting) =>
    typeof setting === 'string' || setting.api_key_file === undefined
      ? setting
      : { ...setting, api_key_file: absolute(setting.api_key_file) },
  );
}

/** What is wrong with engines as somebody wrote them, as the end of a sentence, or null. It repeats no value that may be a secret. */
function remoteEnginesProblem(value: unknown): string | null {
  if (!Array.isArray(value)) return 'is no list. Write one url or more: [https://HOST] or [{ url: https://HOST }]';
  if (value.length > MOST) return `has ${value.length} entries, and may have ${MOST}`;
  for (const [index, entry] of value.entries()) {
    const problem = entryProblem(typeof entry === 'string' ? { url: entry } : entry);
    if (problem !== null) return `has an entry ${index + 1} ${problem}`;
  }
  const names = remoteEngineOptions(value as RemoteEngineSetting[]).map(({ engineId }) => engineId);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? null : `has two engines called '${twice}': give them different names`;
}

type FieldCheck = (value: unknown) => string | null;

const FIELDS: Readonly<Record<string, FieldCheck>> = {
  url: urlProblem,
  name: (value) =>
    typeof value === 'string' && NAME.test(value)
      ? null
      : 'is no name: up to 32 small letters, digits and dashes, a letter first, and not e0, e1 and so on',
  api_key_file: (value) => (typeof value === 'string' && value !== '' && !value.includes('\0') ? null : 'is no path'),
  forward_authorization: (value) => (typeof value === 'boolean' ? null : 'is neither true nor false'),
};

function entryProblem(entry: unknown): string | null {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    return 'that is neither a url nor { url: … }';
  if (!('url' in entry)) return 'without a url';
  for (const [key, value] of Object.entries(entry)) {
    if (!Object.hasOwn(FIELDS, key)) return `with ${key}, which is unknown. Known: ${Object.keys(FIELDS).join(', ')}`;
    const problem = FIELDS[key]?.(value) ?? null;
    if (problem !== null) return `whose ${key} ${problem}`;
  }
  return null;
}

function urlProblem(value: unknown): string | null {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    return 'is no http:// or https:// address';
  if (url.username !== '' || url.password !== '') return 'holds a credential: name a file with the key as api_key_file';
  if (url.search !== '' || url.hash !== '') return 'has a ? or # behind its path';
  return /\/v1\/?$/.test(url.pathname) ? 'ends in /v1: give what stands before it' : null;
}

/** Engines elsewhere as the settings write them; a text alone is a url. */
export const REMOTE_ENGINES = Type.Array(
  Type.Union([
    Type.String({ minLength: 1 }),
    Type.Object(
      {
        url: Type.String({ minLength: 1, description: 'http or https, with the base path before /v1 if there is one' }),
        name: Type.Optional(Type.String({ description: 'In status, metrics and commands; default: r0, r1 and so on' })),
        api_key_file: Type.Optional(Type.String({ minLength: 1, description: "File with Chorus's own key for it" })),
        forward_authorization: Type.Optional(
          Type.Boolean({
            description:
              "Give requests their caller's Authorization header unchanged; that key is then for Chorus's own questions",
          }),
        ),
      },
      { additionalProperties: false },
    ),
  ]),
  {
    default: [],
    maxItems: MOST,
    description:
      'Engines elsewhere (vLLM), which answer beside those of this machine or alone; LEARNING_V2_MODAL_URL names one too',
    notes: {
      flag: 'remote-engine',
      placeholder: '<url>',
      allowed: 'a list of urls and of { url, name, api_key_file, forward_authorization }',
      discreetProblem: remoteEnginesProblem,
      withAbsolutePaths: withAbsoluteKeyFiles,
      otherVariable: 'LEARNING_V2_MODAL_URL',
    },
  },
);
