/**
 * Frames out of the pieces in which a socket delivers them. Each frame gets a buffer of its own, of the length that its
 * first bytes name, so that what is read of it may be kept.
 */
import { linkFrameBytesMax } from '../../shared/limits/process.ts'

const lengthBytes = 4

export class FrameReader {
  private readonly length = Buffer.alloc(lengthBytes)
  private lengthRead = 0
  /** The frame under way; null between frames. */
  private frame: Buffer | null = null
  private frameRead = 0

  /** Calls `take` with each frame that is whole, without its length. False when the peer has sent what is no frame. */
  read(piece: Uint8Array, take: (frame: Buffer) => void): boolean {
    let at = 0
    while (at < piece.length) {
      if (this.frame === null) {
        while (this.lengthRead < lengthBytes && at < piece.length) this.length[this.lengthRead++] = piece[at++]!
        if (this.lengthRead < lengthBytes) return true
        const bytes = this.length.readUInt32BE(0)
        if (bytes === 0 || bytes > linkFrameBytesMax) return false
        this.frame = Buffer.allocUnsafeSlow(bytes)
        this.frameRead = 0
      }
      const { frame } = this
      const part = piece.subarray(at, at + frame.length - this.frameRead)
      frame.set(part, this.frameRead)
      this.frameRead += part.length
      at += part.length
      if (this.frameRead < frame.length) return true
      this.frame = null
      this.lengthRead = 0
      take(frame)
    }
    return true
  }
}
