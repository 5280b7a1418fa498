/**
 * Embeddings as the client asked for them: servers ignore `encoding_format` and `dimensions`. The encoding is made up
 * for here; another number of dimensions cannot be, so it is refused with the number there is. Called by
 * `service-provider.ts` with each whole answer.
 */
import { fault } from '../../../shared/faults.ts'
import { ProviderError } from '../provider.ts'
import { isObject, type Json } from '../transport/json-object.ts'

/** `answer`, with each vector in the encoding that `body` asks for. Throws for dimensions that were not asked for. */
export function fitEmbeddings(answer: Json, body: Json, model: string): Json {
  const wantsText = body.encoding_format === 'base64'
  for (const row of answer.data as unknown[]) {
    if (!isObject(row)) continue
    const { embedding } = row
    checkDimensions(embedding, body.dimensions, model)
    if (wantsText && isVector(embedding)) row.embedding = encoded(embedding)
    else if (!wantsText && typeof embedding === 'string') row.embedding = decoded(embedding) ?? embedding
  }
  return answer
}

function checkDimensions(embedding: unknown, wanted: unknown, model: string): void {
  if (typeof wanted !== 'number') return
  const vector = typeof embedding === 'string' ? decoded(embedding) : embedding
  if (!Array.isArray(vector) || vector.length === wanted) return
  const message = `${model} returns ${vector.length} dimensions, not ${wanted}: leave dimensions out, or ask for ${vector.length}`
  throw new ProviderError(fault('invalid_request', message, { param: 'dimensions' }))
}

function isVector(embedding: unknown): embedding is number[] {
  return Array.isArray(embedding) && embedding.every((value) => typeof value === 'number')
}

/** OpenAI's form: 32-bit floats, the least significant byte first. */
function encoded(vector: readonly number[]): string {
  const bytes = Buffer.alloc(4 * vector.length)
  for (const [at, value] of vector.entries()) bytes.writeFloatLE(value, 4 * at)
  return bytes.toString('base64')
}

function decoded(text: string): number[] | null {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === 0 || bytes.length % 4 !== 0) return null
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at))
}
