/**
 * Makes the vendored schemas beside this file of a published OpenAPI description: the named schemas and all that they
 * refer to, without prose, examples and whatever else says nothing about the form of a value. Maintainers run it when a
 * new description is published; `schema-check.ts` reads what comes out.
 *
 * bun test/conformance/schema/minimise.ts <description.json> <out.json> <name>...
 */
import { readFileSync, writeFileSync } from 'node:fs'

type Json = Record<string, unknown>

/** What a value must be like. */
const kept = new Set([
  ...['type', 'enum', 'const', 'properties', 'required', 'additionalProperties', 'propertyNames', 'items', '$ref'],
  ...['anyOf', 'allOf', 'minimum', 'maximum', 'minItems', 'maxItems', 'minLength', 'maxLength', 'pattern'],
])
const refHead = '#/components/schemas/'

/** The published schema as plain JSON Schema. One of several is any of them here: their kinds tell them apart. */
function slim(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(slim)
  if (typeof schema !== 'object' || schema === null) return schema
  const { nullable, oneOf, ...rest } = schema as Json
  const slimmed: Json = {}
  for (const [key, value] of Object.entries({ ...rest, ...(oneOf !== undefined && { anyOf: oneOf }) })) {
    if (!kept.has(key)) continue
    if (key === '$ref') slimmed.$ref = `#/$defs/${String(value).slice(refHead.length)}`
    else if (key === 'properties') slimmed.properties = mapped(value as Json)
    else slimmed[key] = key === 'enum' || key === 'const' || key === 'required' ? value : slim(value)
  }
  return nullable === true ? { anyOf: [slimmed, { type: 'null' }] } : slimmed
}

function mapped(properties: Json): Json {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, slim(schema)]))
}

function namesIn(schema: unknown): string[] {
  return [...JSON.stringify(schema).matchAll(/"#\/\$defs\/([^"]+)"/g)].map(([, name]) => name!)
}

function closure(schemas: Json, roots: readonly string[]): Json {
  const found: Json = {}
  const wanted = [...roots]
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (name in found) continue
    if (!(name in schemas)) throw new Error(`the description has no schema ${name}`)
    found[name] = slim(schemas[name])
    wanted.push(...namesIn(found[name]))
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)))
}

const [from, out, ...roots] = process.argv.slice(2)
if (from === undefined || out === undefined || roots.length === 0) {
  throw new Error('name a description, the file to write and the schemas: see the head of this file')
}
const { info, components } = JSON.parse(readFileSync(from, 'utf8')) as { info: Json; components: { schemas: Json } }
const { title, version } = info
// One schema on a line, so that a new version of the description shows what changed.
const lines = Object.entries(closure(components.schemas, roots)).map(
  ([name, schema]) => `${JSON.stringify(name)}:${JSON.stringify(schema)}`,
)
const head = `${JSON.stringify({ title, version }).slice(0, -1)},"$defs":{`
writeFileSync(out, `${head}\n${lines.join(',\n')}\n}}\n`)
