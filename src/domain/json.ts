/** An object of JSON, whatever is in it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value of JSON is an object; an array is none. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
