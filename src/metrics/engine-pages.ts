/** What one engine's Prometheus page says about one series, its samples labelled with the replica. */
interface Family {
  readonly name: string;
  /** The `# HELP` and `# TYPE` lines, as far as there are any. */
  readonly comments: string[];
  readonly samples: string[];
}

/** One engine's page, read. */
export type EnginePage = ReadonlyMap<string, Family>;

/** vLLM's own; what its server and its Python say of themselves (`http_…`, `process_…`, `python_…`) is left out. */
const PREFIX = 'vllm:';
/** Beside each counter and histogram prometheus_client tells when it was made, in a gauge of its own. */
const CREATED = '_created';

/** Of the text format what prometheus_client writes; no control character, for which Prometheus gives up a whole page. */
const COMMENT = /^# (?:HELP (vllm:\w+) [^\0-\x1f\x7f]*|TYPE (vllm:\w+) (?:counter|gauge|histogram|summary|untyped))$/;
const LABEL = /([a-zA-Z_]\w*)="(?:[^"\\\0-\x1f\x7f]|\\[\\"n])*"/;
const SAMPLE = new RegExp(`^(vllm:\\w+)(?:\\{((?:${LABEL.source}(?:,|(?=\\})))*)\\})? (\\S+)$`);
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const NO_NUMBERS = ['+Inf', '-Inf', 'Inf', 'NaN'];

/**
 * The `vllm:` series of a page in Prometheus's text format, each sample with `replica="…"` in front of its own labels.
 * Lines that are no such series are skipped, whatever they are, and so is all that Prometheus would refuse the page for:
 * a line that is not well formed, a label or a sample that comes twice.
 */
export function readEnginePage(page: string, replica: string): EnginePage {
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let current: Family | null = null;
  for (const line of page.split('\n')) {
    const read = line.startsWith('#') ? readComment(line) : readSample(line, replica);
    if (read === null || read.name.endsWith(CREATED)) continue;
    const { name, isComment, text } = read;
    const belongs: boolean = current !== null && (isComment ? name === current.name : isSampleOf(name, current));
    if (current === null || !belongs) {
      current = families.get(name) ?? { name, comments: [], samples: [] };
      families.set(name, current);
    }
    if (isComment) {
      addComment(current, text);
      continue;
    }
    const series = text.slice(0, text.lastIndexOf(' '));
    if (!seen.has(series)) current.samples.push(text);
    seen.add(series);
  }
  return families;
}

interface Line {
  readonly name: string;
  readonly isComment: boolean;
  /** As it goes on. */
  readonly text: string;
}

function readComment(line: string): Line | null {
  const [text, helped, typed] = COMMENT.exec(line) ?? [];
  const name = helped ?? typed;
  return text === undefined || name === undefined ? null : { name, isComment: true, text };
}

function readSample(line: string, replica: string): Line | null {
  if (!line.startsWith(PREFIX)) return null;
  const [, name = '', labels = '', , value = ''] = SAMPLE.exec(line) ?? [];
  const isValue = NO_NUMBERS.includes(value) || (NUMBER.test(value) && Number.isFinite(Number(value)));
  if (!isValue || !areDistinct(labelNames(labels))) return null;
  const own = labels.endsWith(',') ? labels.slice(0, -1) : labels;
  const all = own === '' ? `replica="${replica}"` : `replica="${replica}",${own}`;
  return { name, isComment: false, text: `${name}{${all}} ${value}` };
}

const labelNames = (labels: string): string[] =>
  [...labels.matchAll(new RegExp(LABEL, 'g'))].map(([, label = '']) => label);

/** And none of them is one that means something to Prometheus, or ours. */
const areDistinct = (names: readonly string[]): boolean =>
  new Set(names).size === names.length && !names.some((name) => name === 'replica' || name.startsWith('__'));

/** Prometheus refuses a page that says `# HELP` or `# TYPE` of a series twice. */
function addComment({ comments }: Family, line: string): void {
  const kind = line.slice(0, '# HELP '.length);
  if (!comments.some((comment) => comment.startsWith(kind))) comments.push(line);
}

/** The pages of several engines as one: each series once, with the samples of all. */
export function joinEnginePages(pages: readonly EnginePage[]): string {
  const names = new Set(pages.flatMap((page) => [...page.keys()]));
  const lines = [...names].flatMap((name) => {
    const families = pages.flatMap((page) => page.get(name) ?? []);
    return [...(families[0]?.comments ?? []), ...families.flatMap(({ samples }) => samples)];
  });
  return lines.map((line) => `${line}\n`).join('');
}

/** The values of one series of a page, one for each of its label sets. */
export function valuesOf(page: EnginePage, name: string): number[] {
  const samples = page.get(name)?.samples ?? [];
  return samples.map((line) => Number.parseFloat(line.slice(line.lastIndexOf('}') + 1))).filter(Number.isFinite);
}

/** A histogram's samples have names of their own, which stand under the comments of its name. */
function isSampleOf(name: string, family: Family): boolean {
  return name.startsWith(family.name) && ['', '_bucket', '_sum', '_count'].includes(name.slice(family.name.length));
}
