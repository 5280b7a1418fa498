/**
 * How tools are named to a model. A chat request has functions alone, in one list: custom tools stand among them as
 * functions of one text, and the tools of a namespace under a name that is put together. What a model then calls is
 * turned back by the names of the request.
 */
type Json = Record<string, unknown>

export interface ToolName {
  name: string
  namespace: string | null
  /** Whether it takes a text instead of arguments. */
  isCustom: boolean
}

/** Of the tools of one request, by the names that the model was given. */
export type ToolNames = ReadonlyMap<string, ToolName>

/** The longest name of a function that every provider takes. */
const nameCharsMax = 64

export function nameForModel(name: string, namespace: unknown): string {
  if (typeof namespace !== 'string' || namespace === '') return name
  const joined = `${namespace}__${name}`
  return joined.length <= nameCharsMax ? joined : name
}

export function toolNamesIn(tools: unknown): ToolNames {
  const names = new Map<string, ToolName>()
  for (const { tool, namespace } of flatTools(tools)) {
    const { type, name } = tool
    if (typeof name !== 'string') continue
    names.set(nameForModel(name, namespace), { name, namespace, isCustom: type === 'custom' })
  }
  return names
}

interface FlatTool {
  tool: Json
  namespace: string | null
  /** Where it stands in the request. */
  place: string
}

/** All tools in one list. */
export function flatTools(tools: unknown): FlatTool[] {
  if (!Array.isArray(tools)) return []
  return (tools as Json[]).flatMap((tool, at): FlatTool[] => {
    const place = `tools[${at}]`
    const { type, name, tools: inner } = tool
    if (type !== 'namespace' || typeof name !== 'string' || !Array.isArray(inner)) {
      return [{ tool, namespace: null, place }]
    }
    return (inner as Json[]).map((one, of) => ({ tool: one, namespace: name, place: `${place}.tools[${of}]` }))
  })
}
