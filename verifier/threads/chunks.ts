/**
 * The lines of a file in chunks, each of whole lines and about a megabyte long, so that a file may be larger than
 * memory, and chunks can be given to others. A line ends with a line feed and with nothing else, and the last one does
 * too.
 */
import { createReadStream } from 'node:fs'
import { must } from '../flaw.ts'

const lineFeed = 0x0a
const chunkBytes = 1024 * 1024
/** A batch of the largest leaves takes less. */
const lineBytesMax = 64 * 1024 * 1024

export async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  let begun: Buffer[] = []
  let bytes = 0
  for await (const part of createReadStream(path, { highWaterMark: chunkBytes })) {
    const read = part as Buffer
    const end = read.lastIndexOf(lineFeed) + 1
    if (end > 0) {
      yield Buffer.concat([...begun, read.subarray(0, end)])
      begun = []
      bytes = 0
    }
    begun.push(read.subarray(end))
    bytes += read.length - end
    must(bytes <= lineBytesMax, () => 'The file has a line that is longer than any of a ledger.')
  }
  must(bytes === 0, () => 'The file ends in the middle of a line.')
}

/** Without their ends. */
export function linesIn(chunk: Uint8Array): string[] {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
  const lines: string[] = []
  for (let from = 0; from < bytes.length; ) {
    const to = bytes.indexOf(lineFeed, from)
    lines.push(bytes.toString('utf8', from, to))
    from = to + 1
  }
  return lines
}
