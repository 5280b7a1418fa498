/**
 * Tools and the choice among them, as a chat completion has them. Tools that Anthropic runs or defines itself are
 * refused by name: no provider behind a scout has them.
 */
import { shown } from './blocks.ts'
import type { MessagesFields, ToolChoice } from './messages-request.ts'
import { isObject, type Json, type Refusals } from './refusals.ts'

const known = new Set([
  ...['type', 'name', 'description', 'input_schema', 'strict', 'input_examples', 'allowed_callers', 'defer_loading'],
  // How the arguments are cut into events is up to the provider.
  ...['cache_control', 'eager_input_streaming'],
])

/** The fields about tools of a chat request; none without tools. */
export function chatTools({ tools, tool_choice: choice }: MessagesFields, refusals: Refusals): Json {
  const functions = (tools ?? []).map((tool, at) => chatTool(tool, `tools[${at}]`, refusals))
  if (functions.length === 0) {
    if (choice?.type === 'any' || choice?.type === 'tool') refusals.add('tool_choice', 'needs `tools`')
    return {}
  }
  const single = choice?.disable_parallel_tool_use === true
  return {
    tools: functions,
    ...(choice && { tool_choice: chatChoice(choice, functions, refusals) }),
    ...(single && { parallel_tool_calls: false }),
  }
}

function chatTool(tool: Json, place: string, refusals: Refusals): Json {
  const { type, description, input_schema: schema, strict, input_examples: examples } = tool
  if ((type ?? 'custom') !== 'custom') {
    const advice = 'describe a tool of your own, with `input_schema`'
    refusals.add(`${place}.type`, `is ${shown(type)}, a tool that is not offered here: ${advice}`)
  }
  refusals.only(tool, known, place)
  if (!isObject(schema)) refusals.add(`${place}.input_schema`, 'must be a JSON schema')
  refuseUnusual(tool, place, refusals)
  const about = [
    ...(description == null ? [] : [refusals.text(tool, 'description', place)]),
    ...(Array.isArray(examples) && examples.length > 0 ? [`Examples of its input: ${JSON.stringify(examples)}`] : []),
  ]
  const told = {
    name: refusals.text(tool, 'name', place),
    ...(about.length > 0 && { description: about.join('\n\n') }),
    parameters: schema,
    ...(typeof strict === 'boolean' && { strict }),
  }
  return { type: 'function', function: told }
}

/** What would keep a tool from the model, or leave it to Anthropic's own tools. */
function refuseUnusual(
  { defer_loading: isDeferred, allowed_callers: callers }: Json,
  place: string,
  refusals: Refusals,
) {
  if (isDeferred === true) {
    refusals.add(`${place}.defer_loading`, 'needs a search of tools, which is not offered here: remove it')
  }
  if (Array.isArray(callers) && !callers.includes('direct')) {
    refusals.add(`${place}.allowed_callers`, 'must hold "direct": nothing else calls tools here')
  }
}

function chatChoice({ type, name }: ToolChoice, functions: readonly Json[], refusals: Refusals): unknown {
  switch (type) {
    case 'auto':
    case 'none':
      return type
    case 'any':
      return 'required'
    case 'tool': {
      const isThere = functions.some((tool) => (tool.function as Json).name === name)
      if (!isThere) refusals.add('tool_choice.name', 'must be the name of one of `tools`')
      return { type: 'function', function: { name } }
    }
  }
}
