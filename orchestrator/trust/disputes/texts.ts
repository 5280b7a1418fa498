/**
 * The texts of a dispute as they are kept while it is open and a while afterwards: the request, the answer, and what
 * the scouts have said that were asked again. Bytes that the hub wrote itself. Pure.
 */
export interface DisputeTexts {
  /** JSON as the scout got it. */
  request: string
  /** The whole answer, JSON with `choices`; its first text is what is compared. */
  answer: string
  /** Texts of the last hearing's reruns, in the order of its owners. */
  reruns: string[]
}

export function packTexts(texts: DisputeTexts): Uint8Array {
  return Buffer.from(JSON.stringify(texts))
}

export function unpackTexts(bytes: Uint8Array): DisputeTexts {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')) as DisputeTexts
}
