/** The value of the one sample that is spelled so. */
export function valueOf(page: string, sample: string): number {
  const lines = page.split('\n').filter((line) => line.startsWith(`${sample} `));
  if (lines.length !== 1) throw new Error(`${lines.length} samples ${sample}`);
  return Number(lines[0]?.split(' ').at(-1));
}

/** The sum of all samples of a series, whatever their labels. */
export function sumOf(page: string, name: string): number {
  const lines = page.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  if (lines.length === 0) throw new Error(`no samples of ${name}`);
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\})? (?:[\d.+-]\S*|NaN|Nan|[+-]Inf)$/;

/** What is wrong with a page by the rules of Prometheus's text format 0.0.4. */
export function formatProblems(page: string): string[] {
  const problems = page.endsWith('\n') ? [] : ['the last line has no end'];
  const begun = new Set<string>();
  let family = '';
  for (const line of page.split('\n')) {
    const comment = /^# (HELP|TYPE) ([\w:]+) ./.exec(line);
    const name = comment?.[2] ?? SAMPLE.exec(line)?.[1];
    if (line === '') continue;
    if (name === undefined) problems.push(`cannot be read: ${line}`);
    else if (comment !== null) {
      const key = `${comment[1]} ${name}`;
      if (begun.has(key)) problems.push(`twice: ${line}`);
      if (name !== family && begun.has(`sample ${name}`)) problems.push(`apart: ${line}`);
      begun.add(key);
      family = name;
    } else {
      if (!name.startsWith(family)) problems.push(`under ${family}: ${line}`);
      begun.add(`sample ${family}`);
    }
  }
  return problems;
}
