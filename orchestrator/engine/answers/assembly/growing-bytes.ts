/**
 * Bytes that come in pieces and leave as one: a buffer that doubles, so that a hundred thousand small pieces cost no
 * more than their bytes. The assembly of a durable answer has one for each text that grows.
 */
const firstBytes = 256
const nothing = new Uint8Array(0)

export class GrowingBytes {
  private bytes = nothing
  length = 0

  append(source: Uint8Array, start: number, end: number): void {
    const length = this.length + end - start
    if (length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(length, firstBytes, 2 * this.bytes.length))
      larger.set(this.bytes.subarray(0, this.length))
      this.bytes = larger
    }
    this.bytes.set(source.subarray(start, end), this.length)
    this.length = length
  }

  /** All of them; a view, until more come. */
  whole(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}
