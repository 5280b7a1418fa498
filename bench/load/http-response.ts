/**
 * Reads HTTP/1.1 answers off a connection as cheaply as it can: status, then the body with a length or in chunks. It
 * knows no more of HTTP than the servers measured here send. Connections feed it; three callbacks get what it finds.
 */

export interface ResponseEvents {
  head(status: number): void
  /** A piece of the body; only valid during the call. */
  body(bytes: Buffer): void
  end(): void
}

/** `size` and `gap` are the line before a chunk and the empty one behind it; `last` ends a chunked body. */
type Part = 'head' | 'fixed' | 'size' | 'chunk' | 'gap' | 'last'

const lineEnd = Buffer.from('\r\n')
const headEnd = Buffer.from('\r\n\r\n')

export class ResponseReader {
  private part: Part = 'head'
  private left = 0
  private rest: Buffer | null = null

  constructor(private readonly events: ResponseEvents) {}

  push(data: Buffer): void {
    let bytes = this.rest === null ? data : Buffer.concat([this.rest, data])
    this.rest = null
    while (bytes.length > 0) {
      const used = this.step(bytes)
      if (used === 0) {
        // The connection reuses its memory.
        this.rest = Buffer.from(bytes)
        return
      }
      bytes = bytes.subarray(used)
    }
  }

  /** Consumes the next part; 0 when it is not there yet. */
  private step(bytes: Buffer): number {
    switch (this.part) {
      case 'head':
        return this.head(bytes)
      case 'size':
        return this.size(bytes)
      case 'gap':
      case 'last':
        return this.gap(bytes)
      case 'fixed':
      case 'chunk':
        return this.data(bytes)
    }
  }

  private head(bytes: Buffer): number {
    const end = bytes.indexOf(headEnd)
    if (end < 0) return 0
    const text = bytes.toString('latin1', 0, end).toLowerCase()
    this.events.head(Number(text.slice(9, 12)))
    const at = text.indexOf('content-length:')
    if (at >= 0) {
      this.left = Number.parseInt(text.slice(at + 15), 10)
      this.part = 'fixed'
      if (this.left === 0) this.finish()
    } else {
      if (!text.includes('transfer-encoding: chunked')) throw new Error('an answer without a length')
      this.part = 'size'
    }
    return end + headEnd.length
  }

  private size(bytes: Buffer): number {
    const end = bytes.indexOf(lineEnd)
    if (end < 0) return 0
    this.left = Number.parseInt(bytes.toString('latin1', 0, end), 16)
    this.part = this.left === 0 ? 'last' : 'chunk'
    return end + lineEnd.length
  }

  private gap(bytes: Buffer): number {
    if (bytes.length < lineEnd.length) return 0
    if (this.part === 'last') this.finish()
    else this.part = 'size'
    return lineEnd.length
  }

  private data(bytes: Buffer): number {
    const taken = Math.min(this.left, bytes.length)
    this.left -= taken
    const inChunk = this.part === 'chunk'
    if (this.left === 0 && inChunk) this.part = 'gap'
    this.events.body(taken === bytes.length ? bytes : bytes.subarray(0, taken))
    if (this.left === 0 && !inChunk) this.finish()
    return taken
  }

  private finish(): void {
    this.part = 'head'
    this.events.end()
  }
}
