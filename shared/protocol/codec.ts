/**
 * Frames to bytes and back. Every incoming message passes `scan.ts` first, so that msgpackr only ever sees a small,
 * well-formed array; then the table of `frames.ts` checks each field. Neither direction throws on what a peer sent:
 * a bad message comes back as one sentence, and the caller closes with 4400.
 */
import { Packr } from 'msgpackr/pack'
import { Unpackr } from 'msgpackr/unpack'
import { frameBytesMax } from '../limits.ts'
import type { Field } from './fields.ts'
import { type Frame, type FrameOf, type FrameType, frameTable, type HubFrame, type ScoutFrame } from './frames.ts'
import { scan } from './scan.ts'

const packer = new Packr({ useRecords: false })
const unpacker = new Unpackr({ useRecords: false, int64AsType: 'number' })

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

/** The bytes of one frame; they share a pool with other frames' and must be sent or copied before the next call. */
export function encode<Type extends FrameType>(frame: FrameOf<Type>): Uint8Array {
  const { code, names } = layoutByType[frame.type as FrameType]
  const values: unknown[] = [code]
  for (const name of names) values.push((frame as Record<string, unknown>)[name])
  return packer.pack(values)
}

export interface Malformed {
  type: 'malformed'
  /** What was wrong, fit for the close reason. */
  reason: string
}

/** What the hub makes of a scout's message. Byte fields share memory with `message`. */
export function decodeFromScout(message: Uint8Array): ScoutFrame | Malformed {
  return decode(message, fromScout) as ScoutFrame | Malformed
}

/** What a scout makes of the hub's message. Byte fields share memory with `message`. */
export function decodeFromHub(message: Uint8Array): HubFrame | Malformed {
  return decode(message, fromHub) as HubFrame | Malformed
}

function decode(message: Uint8Array, layouts: readonly (Layout | undefined)[]): Frame | Malformed {
  if (message.length > frameBytesMax) return malformed(`frame of ${message.length} bytes; at most ${frameBytesMax}`)
  const flaw = scan(message)
  if (flaw !== null) return malformed(flaw)
  let values: unknown
  try {
    values = unpacker.unpack(message)
  } catch {
    // The scan leaves nothing that msgpackr refuses; should it ever disagree, the peer is at fault, not this process.
    return malformed('not msgpack')
  }
  if (!Array.isArray(values)) return malformed('a frame is an array that begins with its code')
  const layout = layouts[values[0] as number]
  if (layout === undefined) return malformed('unknown frame code')
  const frame: Record<string, unknown> = { type: layout.type }
  for (let i = 0; i < layout.fields.length; i++) {
    const value: unknown = values[i + 1]
    const field = layout.fields[i]!
    if (!field.accepts(value)) return malformed(`${layout.type}.${layout.names[i]} must be ${field.wants}`)
    frame[layout.names[i]!] = value
  }
  return frame as unknown as Frame
}

function malformed(reason: string): Malformed {
  return { type: 'malformed', reason }
}
