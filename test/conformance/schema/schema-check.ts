/**
 * Checks whole answers and stream events against the schemas that OpenAI and Open Responses publish (vendored beside
 * this file, see LICENSES.md there). Fed by the corpus; the test and the conformance command read the violations.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Ajv, { type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'

type Json = Record<string, unknown>

interface Description {
  title: string
  version: string
  $defs: Record<string, Json>
}

/** Whose description, and the file that holds it. */
const files = { openai: 'openai.json', 'open-responses': 'open-responses.json' } as const
export type Publisher = keyof typeof files
export const publishers = Object.keys(files) as Publisher[]

/** Violations told of one value; one mistake usually shows in several places. */
const violationsMax = 3

export class SchemaCheck {
  readonly source: string
  private readonly ajv = new Ajv({ strict: false, allErrors: false, validateFormats: false })
  private readonly description: Description
  /** From the type of a streamed event to the name of its schema. */
  private readonly eventSchemas: ReadonlyMap<string, string>

  constructor(private readonly publisher: Publisher) {
    this.description = JSON.parse(readFileSync(join(import.meta.dirname, files[publisher]), 'utf8')) as Description
    const { title, version, $defs } = this.description
    this.source = `${title} ${version}`
    this.ajv.addSchema({ $id: publisher, $defs })
    this.eventSchemas = new Map(
      Object.entries($defs).flatMap(([name, schema]) => eventTypes(schema).map((type) => [type, name] as const)),
    )
  }

  has(name: string): boolean {
    return name in this.description.$defs
  }

  /** What is wrong with a value, one sentence each; nothing when it is as published. */
  violations(name: string, value: unknown): string[] {
    const validate = this.ajv.getSchema(`${this.publisher}#/$defs/${name}`) as ValidateFunction | undefined
    // A defect of the corpus.
    if (validate === undefined) throw new Error(`${this.source} has no schema ${name}`)
    if (validate(value)) return []
    return told(name, validate.errors ?? [])
  }

  /** The same for an event of a stream, by its type: in a list of fifty alternatives nothing could be told. */
  eventViolations(event: Json): string[] {
    const name = this.eventSchemas.get(String(event.type))
    return name === undefined
      ? [`an event of type ${String(event.type)} is not published`]
      : this.violations(name, event)
  }
}

/** Of a schema of an event: an object whose `type` is a fixed word with a dot in it, or `error`. */
function eventTypes({ properties }: Json): string[] {
  const { enum: words, const: word } = ((properties as Json | undefined)?.type ?? {}) as {
    enum?: unknown[]
    const?: unknown
  }
  const types = words ?? (word === undefined ? [] : [word])
  const isEvent = 'sequence_number' in ((properties as Json | undefined) ?? {})
  return isEvent ? types.filter((type) => typeof type === 'string') : []
}

function told(name: string, errors: readonly ErrorObject[]): string[] {
  const places = errors.map(({ instancePath, message, params }) => {
    const more = 'additionalProperty' in params ? ` (${String(params.additionalProperty)})` : ''
    return `${name}${instancePath.replaceAll('/', '.')}: ${message ?? 'is not as published'}${more}`
  })
  return [...new Set(places)].slice(0, violationsMax)
}
