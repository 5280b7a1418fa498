/**
 * What a hub tells the others of itself, as bytes and back: what its own scouts can do, and which start of each other
 * hub it has heard. Rows of models come first, then names alone, then a number, within the bound of one message. A
 * summary comes from another authority, which is believed about itself and nothing else; its form is
 * checked here, and fields that a later version adds are left out.
 */
import { z } from 'zod'
import { summaryBytesMax, summaryModelsMax, summaryRowBytesMax } from '../../../shared/limits/cluster/presence.ts'
import { authoritiesMax, hubNameCharsMax } from '../../../shared/limits/cluster/roster.ts'
import { modelCharsMax } from '../../../shared/limits/wire.ts'
import { taskKinds } from '../../../shared/task.ts'
import type { HubIntents, HubModel, LocalFleet } from '../../engine/ports/client.ts'
import { jsonIn } from '../roster/message.ts'

export interface Summary {
  /** The start of each hub that was heard last, by its name: proof that a summary is no older than that start. */
  heard: Readonly<Record<string, number>>
  /** Of what it says to one hub alone (`roster/pair-keys.ts`); null from a version that signs that as well. */
  key: string | null
  scouts: number
  credits: number
  running: number
  /** Null from a version that does not tell. */
  intents: HubIntents | null
  models: HubModel[]
  /** Models beyond those. */
  more: number
}

/** 32 bytes in base64url. */
const keyCharsMax = 43
const count = z.int().min(0)
const schema = z.object({
  heard: z
    .record(z.string().max(hubNameCharsMax), count)
    .refine((heard) => Object.keys(heard).length <= authoritiesMax),
  key: z.string().max(keyCharsMax).nullable().default(null),
  scouts: count,
  credits: count,
  running: count,
  intents: z.object({ open: count, taken: count }).nullable().default(null),
  models: z
    .array(
      z.union([
        z.string().min(1).max(modelCharsMax),
        z.tuple([z.string().min(1).max(modelCharsMax), z.enum(taskKinds), count, count, count]),
      ]),
    )
    .max(summaryModelsMax),
  more: count,
})

/** Within `summaryBytesMax`, whatever the fleet offers. `taken`: intents of other hubs, since the start. */
export function summaryBytes(
  heard: Summary['heard'],
  key: string | null,
  fleet: LocalFleet,
  taken: number,
): Uint8Array {
  const { scouts, credits, running, intents: open } = fleet
  const models: z.infer<typeof schema>['models'] = []
  const head = { heard, key, scouts, credits, running, intents: { open, taken } }
  // What stands around the models, with the largest number of more.
  let bytes = Buffer.byteLength(JSON.stringify({ ...head, models, more: Number.MAX_SAFE_INTEGER }))
  for (const { offer, scouts: offerers, idle } of fleet.models) {
    const row = [offer.model, offer.kind, offerers, idle, offer.contextTokens] as const
    const next = bytes < summaryRowBytesMax ? ([...row] satisfies unknown[]) : offer.model
    const nextBytes = Buffer.byteLength(JSON.stringify(next)) + 1
    if (bytes + nextBytes > summaryBytesMax || models.length === summaryModelsMax) break
    models.push(next as (typeof models)[number])
    bytes += nextBytes
  }
  return Buffer.from(JSON.stringify({ ...head, models, more: fleet.models.length - models.length }))
}

/** Null for what is no summary. */
export function readSummary(bytes: Uint8Array): Summary | null {
  if (bytes.length > summaryBytesMax) return null
  const parsed = schema.safeParse(jsonIn(bytes))
  if (!parsed.success) return null
  const models = parsed.data.models.map((model): HubModel => {
    if (typeof model === 'string') return { id: model, row: null }
    const [id, kind, scouts, idle, contextTokens] = model
    return { id, row: { kind, scouts, idle, contextTokens } }
  })
  return { ...parsed.data, models }
}
