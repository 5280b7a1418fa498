/**
 * The lines of a file as they stand in it: a line ends with a line feed and with nothing else, and the last one does
 * too. Read in parts, so that a file may be larger than memory.
 */
import { createReadStream } from 'node:fs'
import { must } from './flaw.ts'

const lineFeed = 0x0a
/** A batch of the largest leaves takes less. */
const lineBytesMax = 64 * 1024 * 1024

export async function* linesOf(path: string): AsyncGenerator<string> {
  let begun: Buffer[] = []
  let bytes = 0
  for await (const part of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    const chunk = part as Buffer
    let from = 0
    for (let to = chunk.indexOf(lineFeed); to >= 0; to = chunk.indexOf(lineFeed, from)) {
      begun.push(chunk.subarray(from, to))
      yield Buffer.concat(begun).toString('utf8')
      begun = []
      bytes = 0
      from = to + 1
    }
    begun.push(chunk.subarray(from))
    bytes += chunk.length - from
    must(bytes <= lineBytesMax, () => 'The file has a line that is longer than any of a ledger.')
  }
  must(bytes === 0, () => 'The file ends in the middle of a line.')
}
