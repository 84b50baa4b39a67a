/**
 * gpt-oss knows functions by names of letters, digits, `_` and `-`. Any other name is spelled with escapes that read
 * back to the same name: `mcp.read/file` is `mcp_x2e_read_x2f_file`. A name that already looks escaped is escaped once
 * more, so that no two names meet.
 */
export function toFunctionName(name: string): string {
  return name
    .replaceAll(/_(?=x[0-9a-f]+_)/g, '_x5f_')
    .replaceAll(/[^A-Za-z0-9_-]/gu, (character) => `_x${(character.codePointAt(0) ?? 0).toString(16)}_`);
}

/** The name that `toFunctionName` was given; a name that never went through it is left as it is. */
export function fromFunctionName(functionName: string): string {
  return functionName.replaceAll(/_x([0-9a-f]{1,6})_/g, (escape, digits: string) => {
    const codePoint = Number.parseInt(digits, 16);
    return codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : escape;
  });
}
