/**
 * How much of a long text counts: one that deflates to next to nothing was made to be long. Of a very long one a few
 * parts are looked at, so that it costs no more than a short one.
 */
import { fillerBytesMin, fillerPartBytes, fillerPartsMax } from '../../../shared/limits/ledger/ledger.ts'
import { countedBytes } from '../../ledger/points/work.ts'

/** Of the text bytes of a body those that count, by how well the body deflates. */
export function countedOfLong(body: Uint8Array, textBytes: number): number {
  if (textBytes < fillerBytesMin) return textBytes
  return Math.min(textBytes, countedBytes(textBytes, Math.ceil(textBytes * deflatedShare(body))))
}

function deflatedShare(body: Uint8Array): number {
  if (body.length <= fillerPartBytes * fillerPartsMax) return deflated(body) / body.length
  const step = Math.floor((body.length - fillerPartBytes) / (fillerPartsMax - 1))
  let bytes = 0
  for (let part = 0; part < fillerPartsMax; part++) {
    bytes += deflated(body.subarray(part * step, part * step + fillerPartBytes))
  }
  return bytes / (fillerPartBytes * fillerPartsMax)
}

/** The fastest level: what is only repeated is found by any. */
export function deflated(bytes: Uint8Array): number {
  return Bun.deflateSync(bytes as Uint8Array<ArrayBuffer>, { level: 1, library: 'libdeflate' }).length
}
