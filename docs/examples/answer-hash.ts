/**
 * Computes the `answerHash` of a receipt from what an SDK gives, to check that the hub attests the answer that was read:
 * fetch `GET /v1/receipts/{id}` with the id of the answer, and look for this hash in the bytes of its `receipt`.
 * docs/operations/ledger.md has the form.
 */
import { createHash } from 'node:crypto'

/** What the receipt covers of one choice; absent and empty texts do not count. */
export interface ChoiceTexts {
  index: number
  message: {
    content?: string | null
    refusal?: string | null
    tool_calls?: readonly { function?: { name: string; arguments: string } }[]
  }
}

export function answerHash(salt: Uint8Array, choices: readonly ChoiceTexts[]): Buffer {
  const hash = createHash('sha256').update('chasm-answer-v1').update(salt)
  for (const { index, message } of [...choices].sort((one, other) => one.index - other.index)) {
    const calls = message.tool_calls ?? []
    const texts = [
      { part: 0, place: 0, text: message.content },
      { part: 1, place: 0, text: message.refusal },
      ...calls.map((call, place) => ({ part: 2, place, text: call.function?.name })),
      ...calls.map((call, place) => ({ part: 3, place, text: call.function?.arguments })),
    ]
    for (const { part, place, text } of texts) if (text) hash.update(rowOf(index, part, place, Buffer.from(text)))
  }
  return hash.digest()
}

function rowOf(choice: number, part: number, place: number, text: Buffer): Buffer {
  const head = Buffer.alloc(17)
  head.writeUInt32BE(choice, 0)
  head[4] = part
  head.writeUInt32BE(place, 5)
  head.writeBigUInt64BE(BigInt(text.length), 9)
  return Buffer.concat([head, createHash('sha256').update(text).digest()])
}
