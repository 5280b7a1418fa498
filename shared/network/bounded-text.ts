/**
 * The body of an answer of somebody who may send anything: no more of it is kept than it may have. For commands that
 * ask a service or an orchestrator; what the bytes say is up to whoever asked.
 */

/** As UTF-8; null when it is longer than so many bytes, of which the rest is not read. */
export async function boundedText({ body }: Pick<Response, 'body'>, bytesMax: number): Promise<string | null> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of body ?? []) {
    bytes += part.length
    if (bytes > bytesMax) return null
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
