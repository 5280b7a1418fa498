/**
 * The ledger as a file that anybody can check offline: lines of JSON. The first names the hub; a line of rules comes
 * before the first batch that was sealed under them; each batch is one line with its signed head and either all of its
 * leaves or some of them with their paths to the root. Bytes are base64url. `verifier/` reads it without any code of
 * the hub. Pure.
 */
import type { Batch } from './chain.ts'
import { pathsOf } from './merkle.ts'

/** `hub`: its public key as text. */
export function firstLine(hub: string): string {
  return `${JSON.stringify({ chasm: 'ledger', version: 1, hub })}\n`
}

export function rulesLine(text: string): string {
  return `${JSON.stringify({ rules: text })}\n`
}

/** With all leaves, from which the root can be computed; without any where its receipts are forgotten. */
export function wholeBatchLine(batch: Batch): string {
  const { head, signature, leaves } = batch
  if (leaves.length === 0) return partBatchLine(batch, [])
  return `${JSON.stringify({ head: base64(head), signature: base64(signature), leaves: leaves.map(base64) })}\n`
}

/** With those leaves alone whose places are named; none at all for a batch that only keeps the chain without a gap. */
export function partBatchLine({ head, signature, leaves }: Batch, places: readonly number[]): string {
  const paths = pathsOf(leaves, places)
  const some = places.map((place, at) => [place, base64(leaves[place]!), paths[at]!.map(base64)])
  return `${JSON.stringify({ head: base64(head), signature: base64(signature), some })}\n`
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')
}
