/**
 * Compressed bodies: which encodings a request may have, and inflating one with its size looked at while it grows, so
 * that a small body that would become a large one is refused before it has. `body.ts` calls it with a body that has
 * arrived.
 */
import type { Transform } from 'node:stream'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib'
import { zstdWindowBitsMax } from '../../../shared/limits/http.ts'

type Bytes = Uint8Array<ArrayBuffer>

const inflaters = {
  gzip: () => createGunzip(),
  // Some clients leave out the two bytes of zlib's head.
  deflate: (body: Bytes) => (hasZlibHead(body) ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: zstdWindowBitsMax } }),
} as const satisfies Record<string, (body: Bytes) => Transform>

export type Encoding = keyof typeof inflaters
export const encodings = Object.keys(inflaters) as Encoding[]

/** The encoding by its header; null for a plain body, undefined for one that is not known here. */
export function encodingOf(header: string | null): Encoding | null | undefined {
  if (header === null) return null
  const name = header.trim().toLowerCase()
  if (name === 'identity' || name === '') return null
  const plain = name === 'x-gzip' ? 'gzip' : name
  return Object.hasOwn(inflaters, plain) ? (plain as Encoding) : undefined
}

/**
 * The inflated body. `take` is asked before more bytes are kept and may refuse them: its answer is what comes back.
 * `damaged`: it is not what the header says, or it is cut short.
 */
export function inflated<Refusal>(
  body: Bytes,
  encoding: Encoding,
  bytesMax: number,
  take: (bytes: number) => Refusal | null,
): Promise<Bytes | 'damaged' | 'tooLarge' | Refusal> {
  return new Promise((resolve) => {
    const inflater = inflaters[encoding](body)
    const pieces: Uint8Array[] = []
    let total = 0
    const refuse = (why: 'damaged' | 'tooLarge' | Refusal) => {
      resolve(why)
      inflater.destroy()
    }
    inflater.on('data', (piece: Uint8Array) => {
      total += piece.length
      if (total > bytesMax) return refuse('tooLarge')
      const refused = take(piece.length)
      if (refused !== null) return refuse(refused)
      pieces.push(piece)
    })
    inflater.on('end', () => resolve(joined(pieces, total)))
    inflater.on('error', () => refuse('damaged'))
    inflater.end(body)
  })
}

function joined(pieces: readonly Uint8Array[], total: number): Bytes {
  const whole = new Uint8Array(total)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

function hasZlibHead([first = 0, second = 0]: Bytes): boolean {
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0
}
