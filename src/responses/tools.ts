import { CodedError } from '../domain/errors.ts';
import { toFunctionName } from '../harmony/function-name.ts';
import type { FunctionTool, JsonSchema } from '../harmony/message.ts';
import { grammarProblem } from '../turn/grammar-limits.ts';
import { jsonObject, type Json } from './json.ts';

/** A function tool of a request: as the client named it, and as the model knows it. */
export interface OfferedTool {
  /** The client's name. */
  readonly name: string;
  readonly tool: FunctionTool;
  readonly strict: boolean;
}

/** Which calls the client wants. */
export interface ToolChoice {
  readonly calls: 'none' | 'auto' | 'required';
  /** The client's names of the functions that may be called; null means all. */
  readonly allowed: readonly string[] | null;
}

const MAX_TOOLS = 512;
const MAX_NAME_LENGTH = 128;

/** The function tools of a request. Throws a `CodedError` with the path of what is wrong. */
export function readTools(tools: readonly unknown[] | undefined): OfferedTool[] {
  if (tools === undefined) return [];
  if (tools.length > MAX_TOOLS) {
    throw new CodedError('array_too_long', `tools has ${tools.length} elements; at most ${MAX_TOOLS} are possible.`, {
      param: 'tools',
    });
  }
  const offered = tools.map((tool, index) => readTool(tool, `tools[${index}]`));
  offered.forEach(({ name }, index) => {
    if (offered.findIndex((other) => other.name === name) === index) return;
    const param = `tools[${index}].name`;
    throw new CodedError('invalid_value', `There are two functions named '${name}'. Give each a name of its own.`, {
      param,
    });
  });
  return offered;
}

function readTool(value: unknown, path: string): OfferedTool {
  const tool = jsonObject(value, path);
  if (tool['type'] !== 'function') {
    const message = `Tools of type ${JSON.stringify(tool['type'])?.slice(0, 80)} are not supported. Supported: 'function'.`;
    throw new CodedError(tool['type'] === undefined ? 'missing_parameter' : 'invalid_value', message, {
      param: `${path}.type`,
    });
  }
  // The chat shape keeps everything under `function`.
  const nested = tool['function'];
  return nested === undefined
    ? readFunction(tool, path)
    : readFunction(jsonObject(nested, `${path}.function`), `${path}.function`);
}

function readFunction(tool: Json, path: string): OfferedTool {
  const { name, description, parameters, strict } = tool as Record<
    'name' | 'description' | 'parameters' | 'strict',
    unknown
  >;
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME_LENGTH) {
    const code =
      name === undefined || name === null
        ? 'missing_parameter'
        : typeof name === 'string'
          ? 'invalid_value'
          : 'invalid_type';
    throw new CodedError(code, `${path}.name must be a text of 1 to ${MAX_NAME_LENGTH} characters.`, {
      param: `${path}.name`,
    });
  }
  if (description !== undefined && description !== null && typeof description !== 'string') {
    throw new CodedError('invalid_type', `${path}.description must be a string.`, { param: `${path}.description` });
  }
  if (strict !== undefined && strict !== null && typeof strict !== 'boolean') {
    throw new CodedError('invalid_type', `${path}.strict must be a boolean.`, { param: `${path}.strict` });
  }
  const schema =
    parameters === undefined || parameters === null ? null : readParameters(parameters, strict === true, path);
  return {
    name,
    strict: strict === true,
    tool: { name: toFunctionName(name), description: description ?? null, parameters: schema },
  };
}

/** Only what is to be held is judged: an ordinary schema of a tool that is not strict is never refused. */
function readParameters(value: unknown, strict: boolean, path: string): JsonSchema {
  const schema = jsonObject(value, `${path}.parameters`);
  const problem = strict ? grammarProblem(schema) : null;
  if (problem === null) return schema;
  const message = `Invalid schema for function parameters: ${problem.reason}${problem.remedy ? ` ${problem.remedy}` : ''}`;
  throw new CodedError('invalid_function_schema', message, {
    param: [`${path}.parameters`, problem.path].filter(Boolean).join('.'),
  });
}

/** `tool_choice` in all its forms. Throws a `CodedError` when it names a function that is not offered. */
export function readToolChoice(choice: unknown, tools: readonly OfferedTool[]): ToolChoice {
  if (choice === undefined || choice === null) return { calls: 'auto', allowed: null };
  if (typeof choice === 'string') return readMode(choice, tools);
  const object = jsonObject(choice, 'tool_choice');
  if (object['type'] === 'allowed_tools') return readAllowedTools(object, tools);
  if (object['type'] === 'function') {
    return { calls: 'required', allowed: [offeredName(object, tools, 'tool_choice')] };
  }
  const message = `tool_choice of type ${JSON.stringify(object['type'])?.slice(0, 80)} is not supported. Use 'function' or 'allowed_tools'.`;
  throw new CodedError('invalid_value', message, { param: 'tool_choice.type' });
}

function readMode(mode: string, tools: readonly OfferedTool[]): ToolChoice {
  if (mode !== 'none' && mode !== 'auto' && mode !== 'required') {
    const message = `Invalid value: '${mode.slice(0, 80)}'. Supported: 'none', 'auto', 'required', or an object.`;
    throw new CodedError('invalid_value', message, { param: 'tool_choice' });
  }
  if (mode === 'required' && tools.length === 0) {
    throw new CodedError('unknown_tool', "tool_choice 'required' needs at least one tool in tools.", {
      param: 'tool_choice',
    });
  }
  return { calls: mode, allowed: null };
}

/** A hard limit on what may be called; all tools stay in the prompt. The chat shape nests it once more. */
function readAllowedTools(choice: Json, tools: readonly OfferedTool[]): ToolChoice {
  const nested = choice['allowed_tools'];
  const { mode, tools: allowed } = nested === undefined ? choice : jsonObject(nested, 'tool_choice.allowed_tools');
  if (mode !== 'auto' && mode !== 'required') {
    const message = "tool_choice.mode must be 'auto' or 'required'.";
    throw new CodedError(mode === undefined ? 'missing_parameter' : 'invalid_value', message, {
      param: 'tool_choice.mode',
    });
  }
  if (!Array.isArray(allowed) || allowed.length === 0) {
    throw new CodedError('invalid_value', 'tool_choice.tools must list at least one tool.', {
      param: 'tool_choice.tools',
    });
  }
  const names = allowed.map((tool, index) =>
    offeredName(jsonObject(tool, `tool_choice.tools[${index}]`), tools, `tool_choice.tools[${index}]`),
  );
  return { calls: mode, allowed: names };
}

function offeredName(choice: Json, tools: readonly OfferedTool[], path: string): string {
  const nested = choice['function'];
  const { name } = nested === undefined ? choice : jsonObject(nested, `${path}.function`);
  const offered = tools.find((tool) => tool.name === name);
  if (offered) return offered.name;
  const message = `Tool choice ${JSON.stringify(name ?? null).slice(0, 120)} not found in 'tools' parameter.`;
  throw new CodedError('unknown_tool', message, { param: 'tool_choice' });
}
