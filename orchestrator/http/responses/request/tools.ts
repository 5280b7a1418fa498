/**
 * Tools, and the choice among them, as a chat completion has them. A custom tool takes a text instead of JSON; models
 * that know functions alone are given a function with that text as its one argument, and its calls are turned back.
 * Tools that a server would run itself are refused by name: this one runs none.
 */
import type { Fault } from '../../../../shared/faults.ts'
import { refusedAt } from '../../schema/response-request.ts'
import { customParameters, grammarAdvice } from '../items/custom-tool.ts'
import { flatTools, nameForModel } from '../items/tool-names.ts'
import { isFault } from './content-parts.ts'

type Json = Record<string, unknown>

export interface ChatTools {
  tools?: Json[]
  tool_choice?: string | Json
}

/** What a request says of tools. */
interface ToolFields {
  tools?: readonly Json[] | null
  tool_choice?: string | Json | null
}

export function chatToolsOf({ tools, tool_choice: choice }: ToolFields): ChatTools | Fault {
  const mapped: Json[] = []
  for (const { tool, namespace, place } of flatTools(tools)) {
    const made = toolOf(tool, namespace, place)
    if (isFault(made)) return made
    mapped.push(made)
  }
  const chosen = choiceOf(choice ?? null, mapped)
  if (isFault(chosen)) return chosen
  if (mapped.length === 0 && choice === 'required')
    return refusedAt('tool_choice', 'cannot be "required" without `tools`')
  // Providers refuse a choice, and an empty list, where there are no tools.
  return mapped.length === 0 ? {} : { tools: mapped, ...chosen }
}

function toolOf(tool: Json, namespace: string | null, place: string): Json | Fault {
  const { type, name: own } = tool
  if (type !== 'function' && type !== 'custom') {
    const text = `is ${JSON.stringify(type)}, and must be function, custom or namespace: no tools are run here`
    return refusedAt(`${place}.type`, `${text}. Give the model a function, and run it yourself`)
  }
  if (typeof own !== 'string' || own === '') return refusedAt(`${place}.name`, 'is required: it must be a string')
  const name = nameForModel(own, namespace)
  if (type === 'custom') return customTool(tool, name)
  const { description, parameters, strict } = tool
  const named = {
    name,
    ...(typeof description === 'string' && { description }),
    ...((parameters ?? null) !== null && { parameters }),
    ...(typeof strict === 'boolean' && { strict }),
  }
  return { type: 'function', function: named }
}

function customTool({ description, format }: Json, name: string): Json {
  const { type, syntax, definition } = (format ?? {}) as Json
  const said = typeof description === 'string' ? description : ''
  const grammar = type === 'grammar' ? grammarAdvice(syntax, definition) : ''
  const about = [said, grammar].filter((text) => text !== '').join('\n\n')
  const parameters = customParameters
  return { type: 'function', function: { name, ...(about !== '' && { description: about }), parameters } }
}

function choiceOf(choice: string | Json | null, mapped: Json[]): { tool_choice?: string | Json } | Fault {
  if (choice === null) return {}
  const wish = 'must be "none", "auto", "required", or name a function, a custom tool or `allowed_tools`'
  if (typeof choice === 'string') {
    return ['none', 'auto', 'required'].includes(choice) ? { tool_choice: choice } : refusedAt('tool_choice', wish)
  }
  const { type, mode, tools } = choice
  const name = chosenName(choice)
  if (type === 'function' || type === 'custom') {
    return nameOf(mapped).includes(name) ? { tool_choice: { type: 'function', function: { name } } } : unknownTool(name)
  }
  if (type !== 'allowed_tools' || !Array.isArray(tools)) return refusedAt('tool_choice', wish)
  const allowed = tools.map(chosenName)
  const unknown = allowed.find((one) => !nameOf(mapped).includes(one))
  if (allowed.length === 0 || unknown !== undefined) return unknownTool(unknown)
  // The others are left out: providers other than OpenAI know no such choice.
  const kept = mapped.filter((tool) => allowed.includes((tool.function as Json).name))
  mapped.splice(0, mapped.length, ...kept)
  return { tool_choice: mode === 'required' ? 'required' : 'auto' }
}

function chosenName(chosen: Json | null): unknown {
  const { name, namespace } = chosen ?? {}
  return typeof name === 'string' ? nameForModel(name, namespace) : undefined
}

function nameOf(mapped: readonly Json[]): unknown[] {
  return mapped.map((tool) => (tool.function as Json).name)
}

function unknownTool(name: unknown): Fault {
  const which = typeof name === 'string' ? `"${name.slice(0, 64)}"` : 'a tool without a name'
  return refusedAt('tool_choice', `names ${which}, which is not among \`tools\``)
}
