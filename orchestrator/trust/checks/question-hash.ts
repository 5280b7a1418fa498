/**
 * What a request asks as one number, for telling whether an answer came to another question: its messages as they stand
 * in it, whatever stands around them. Other parameters make no other question; another spelling of the same JSON does,
 * as another word would. Nothing is built of the request.
 */
import { FieldNames } from '../../../shared/json/field-names.ts'
import { JsonScan } from '../../../shared/json/json-scan.ts'
import { answerValuesMax } from '../../../shared/limits/answers.ts'

/** A longer request is not told from others: it would be read in the turn in which its answer ends. */
const hashedRequestBytesMax = 32_768
const fields = new FieldNames(['messages'])
const scan = new JsonScan()

/** 0 for a request that is too long, or has no messages. */
export function questionHash(request: Uint8Array): number {
  if (request.length > hashedRequestBytesMax) return 0
  let hash = 0
  if (!scan.begin(request, answerValuesMax, null, true) || !scan.enterObject()) return 0
  while (scan.nextField()) {
    const isAsked = scan.fieldIn(fields) === 0
    const { at } = scan
    if (scan.skip() && isAsked) hash = Number(Bun.hash.wyhash(request.subarray(at, scan.at)) & 0x1f_ffff_ffff_ffffn)
  }
  return scan.end() ? hash : 0
}
