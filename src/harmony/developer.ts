import { inlineSchema } from './inline-schema.ts';
import type { DeveloperMessage, FunctionTool, ResponseFormat } from './message.ts';
import { SchemaBudget } from './schema-budget.ts';
import { schemaType } from './schema-type.ts';

/**
 * The text of a developer message: `# Instructions`, then `# Tools`, then `# Response Formats`, each only where there
 * is something in it.
 */
export function developerText({ instructions, tools = [], responseFormat }: DeveloperMessage): string {
  const sections: string[] = [];
  if (instructions !== null) sections.push(`# Instructions\n\n${instructions}`);
  if (tools.length > 0) sections.push(toolsSection(tools));
  if (responseFormat !== undefined) sections.push(formatSection(responseFormat));
  return sections.join('\n\n');
}

/** A namespace of types, a blank line after each (openai-harmony 0.0.8). */
function toolsSection(tools: readonly FunctionTool[]): string {
  const budget = new SchemaBudget();
  const types = tools.map((tool) => `${functionType(tool, budget)}\n\n`).join('');
  return `# Tools\n\n## functions\n\nnamespace functions {\n\n${types}} // namespace functions`;
}

function functionType({ name, description, parameters }: FunctionTool, budget: SchemaBudget): string {
  const argument = parameters === null ? '' : `_: ${schemaType(inlineSchema(parameters, budget).schema)}`;
  return `${lineComments(description ?? '')}type ${name} = (${argument}) => any;`;
}

/** A comment for each line, as Rust counts them: a last line end does not begin another. */
function lineComments(text: string): string {
  if (text === '') return '';
  return `// ${text.replace(/\r?\n$/, '').replaceAll(/\r?\n/g, '\n// ')}\n`;
}

/** The harmony guide's form; the library has none. It only tells the model: holding it to the schema is the grammar's. */
function formatSection({ name, description, schema }: ResponseFormat): string {
  const comment = description === null ? '' : `// ${description}\n`;
  return `# Response Formats\n\n## ${name}\n\n${comment}${JSON.stringify(schema)}`;
}
