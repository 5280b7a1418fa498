/**
 * The item that stands for the earlier turns of a conversation. Its content is the summary, encoded so that clients
 * pass it back as it is. It is not encrypted: it holds nothing that its reader did not send or receive before.
 */
import { outputItemId } from './item-ids.ts'

type Json = Record<string, unknown>

const head = 'chasm1.'

export function compactionItem(response: string, place: number, summary: string): Json {
  const content = head + Buffer.from(summary).toString('base64url')
  return { type: 'compaction', id: outputItemId('compaction', response, place), encrypted_content: content }
}

/** The summary in such an item; null when it was made elsewhere. */
export function summaryOf({ encrypted_content: content }: Json): string | null {
  if (typeof content !== 'string' || !content.startsWith(head)) return null
  return Buffer.from(content.slice(head.length), 'base64url').toString('utf8')
}
