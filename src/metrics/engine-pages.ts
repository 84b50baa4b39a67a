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

/**
 * The `vllm:` series of a page in Prometheus's text format, each sample with `replica="…"` in front of its own labels.
 * Lines that are no such series are skipped, whatever they are.
 */
export function readEnginePage(page: string, replica: string): EnginePage {
  const families = new Map<string, Family>();
  let current: Family | null = null;
  for (const line of page.split('\n')) {
    const name = seriesName(line);
    if (name === null || name.endsWith(CREATED)) continue;
    const isComment = line.startsWith('#');
    const belongs: boolean = current !== null && (isComment ? name === current.name : isSampleOf(name, current));
    if (current === null || !belongs) {
      current = families.get(name) ?? { name, comments: [], samples: [] };
      families.set(name, current);
    }
    if (isComment) addComment(current, line);
    else current.samples.push(withReplica(line, name, replica));
  }
  return families;
}

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

/** The name in a sample or in a `# HELP` or `# TYPE` line of a `vllm:` series; null for any other line. */
function seriesName(line: string): string | null {
  const comment = line.startsWith('# HELP ') || line.startsWith('# TYPE ') ? '# HELP '.length : 0;
  if (!line.startsWith(PREFIX, comment)) return null;
  return /^vllm:\w+/.exec(line.slice(comment))?.[0] ?? null;
}

/** A histogram's samples have names of their own, which stand under the comments of its name. */
function isSampleOf(name: string, family: Family): boolean {
  return name.startsWith(family.name) && ['', '_bucket', '_sum', '_count'].includes(name.slice(family.name.length));
}

function withReplica(line: string, name: string, replica: string): string {
  const rest = line.slice(name.length);
  return rest.startsWith('{')
    ? `${name}{replica="${replica}",${rest.slice(1)}`
    : `${name}{replica="${replica}"}${rest}`;
}
