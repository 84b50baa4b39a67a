export function jsonProblem(_schema: unknown, text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch {
    return 'it is not valid JSON.';
  }
}
