/**
 * The small change of the OpenAPI document: types that recur, and the form in which an operation is described. The
 * descriptions themselves stand in `openapi.ts` and beside what they describe.
 */

export type Json = Record<string, unknown>

export const text = { type: 'string' }
export const count = { type: 'integer', minimum: 0 }
export const seconds = { type: 'integer', description: 'Seconds since 1970.' }
export const texts = { type: 'array', items: text }

/** The same or null. */
export const orNull = (schema: Json): Json => ({ ...schema, type: [schema.type, 'null'] })

export function object(properties: Json, optional: string[] = []): Json {
  return { type: 'object', properties, required: Object.keys(properties).filter((key) => !optional.includes(key)) }
}

export function ref(name: string): Json {
  return { $ref: `#/components/schemas/${name}` }
}

export function json(schema: Json): Json {
  return { 'application/json': { schema } }
}

export function inHeader(name: string, description: string): Json {
  return { name, in: 'header', schema: text, description }
}

/** A parameter behind the question mark, which may be left out. */
export function inQuery(name: string, schema: Json, description: string): Json {
  return { name, in: 'query', schema, description }
}

export interface Operation {
  summary: string
  /** `any`: a key of whatever role. */
  access: 'open' | 'any' | 'client' | 'admin' | 'scout'
  /** Beside the id in the path. */
  parameters?: Json[]
  /** Name of a schema. */
  takes?: string
  /** Status and content of success. */
  gives: [status: number, description: string, content?: Json]
  /** Name of the schema of refusals, where it is not `Error`. */
  fails?: string
}
