/**
 * Frames to bytes and back. Every incoming message passes `scan.ts` first, so that `read.ts` only ever sees a small,
 * well-formed array; then the table of `frames.ts` checks each field. Outgoing frames go through `write.ts`. Reading
 * never throws on what a peer sent: a bad message comes back as one sentence, and the caller closes with 4400.
 */
import { frameBytesMax } from '../limits/wire.ts'
import type { Field } from './fields.ts'
import { type Frame, type FrameOf, type FrameType, frameTable, type HubFrame, type ScoutFrame } from './frames.ts'
import { beginFrame, readValue } from './read.ts'
import { scan } from './scan.ts'
import { write } from './write.ts'

interface Layout {
  type: FrameType
  code: number
  names: readonly string[]
  fields: readonly Field<unknown>[]
}

function layoutOf(type: FrameType): Layout {
  const { code, fields } = frameTable[type]
  return { type, code, names: Object.keys(fields), fields: Object.values(fields) }
}

const types = Object.keys(frameTable) as FrameType[]
const layoutByType = Object.fromEntries(types.map((type) => [type, layoutOf(type)])) as Record<FrameType, Layout>

function layoutsFrom(sender: 'scout' | 'hub'): (Layout | undefined)[] {
  const byCode: (Layout | undefined)[] = []
  for (const type of types) {
    const { from } = frameTable[type]
    if (from === sender || from === 'both') byCode[frameTable[type].code] = layoutByType[type]
  }
  return byCode
}

const fromScout = layoutsFrom('scout')
const fromHub = layoutsFrom('hub')

/**
 * The bytes of one frame. They lie in a pool that later frames are written behind, never over. Kept bytes keep the
 * whole pool, so copy what outlives the send.
 */
export function encode<Type extends FrameType>(frame: FrameOf<Type>): Uint8Array {
  const { code, names } = layoutByType[frame.type as FrameType]
  const values: unknown[] = [code]
  for (const name of names) values.push((frame as Record<string, unknown>)[name])
  // Only the last fields of a frame may be absent.
  while (values[values.length - 1] === undefined) values.pop()
  return write(values)
}

/**
 * Which field of a frame the peer would refuse, as the sentence it would close with; null when it takes all of them.
 * Allocates nothing then. `encode` does not call it: senders keep the bounds where values are made.
 */
export function flawIn<Type extends FrameType>(frame: FrameOf<Type>): string | null {
  const { type, names, fields } = layoutByType[frame.type as FrameType]
  const values = frame as Record<string, unknown>
  for (let i = 0; i < fields.length; i++) {
    if (!fields[i]!.accepts(values[names[i]!])) return `${type}.${names[i]} must be ${fields[i]!.wants}`
  }
  return null
}

export interface Malformed {
  type: 'malformed'
  /** What was wrong, in at most 123 bytes: what a websocket's close reason holds. */
  reason: string
}

/** Decodes a scout's message for the hub. Long byte fields share memory with `message`: copy what outlives it. */
export function decodeFromScout(message: Uint8Array): ScoutFrame | Malformed {
  return decode(message, fromScout) as ScoutFrame | Malformed
}

/** Decodes the hub's message for a scout. Long byte fields share memory with `message`: copy what outlives it. */
export function decodeFromHub(message: Uint8Array): HubFrame | Malformed {
  return decode(message, fromHub) as HubFrame | Malformed
}

function decode(message: Uint8Array, layouts: readonly (Layout | undefined)[]): Frame | Malformed {
  if (message.length > frameBytesMax) return malformed(`frame of ${message.length} bytes; at most ${frameBytesMax}`)
  const flaw = scan(message)
  if (flaw !== null) return malformed(flaw)
  const count = beginFrame(message)
  const code = count > 0 ? readValue() : undefined
  // Only a number may index the layouts: the string "length" would find something there.
  const layout = typeof code === 'number' ? layouts[code] : undefined
  if (layout === undefined) return malformed('unknown frame code')
  const { names, fields } = layout
  const frame: Record<string, unknown> = { type: layout.type }
  for (let i = 0; i < fields.length; i++) {
    const value = i + 1 < count ? readValue() : undefined
    if (!fields[i]!.accepts(value)) return malformed(`${layout.type}.${names[i]} must be ${fields[i]!.wants}`)
    if (value !== undefined) frame[names[i]!] = value
  }
  return frame as unknown as Frame
}

function malformed(reason: string): Malformed {
  return { type: 'malformed', reason }
}
