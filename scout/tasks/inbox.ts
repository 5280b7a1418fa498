/**
 * Requests too large for their frame, while their fragments arrive. The executor announces each body and adds every
 * fragment; the last one returns the whole body. Bounded by what the scout has offered to take: one request of the
 * largest size in each of its places.
 */
import { Assembly } from '../../shared/protocol/fragments.ts'

export class Inbox {
  private readonly assemblies = new Map<string, Assembly>()

  constructor(
    private readonly requestBytesMax: number,
    private readonly concurrency: number,
  ) {}

  /** Prepares for a body of `size` bytes. False for one that the scout has not offered to take. */
  expect(key: string, size: number): boolean {
    if (size > this.requestBytesMax || this.assemblies.size >= this.concurrency) return false
    this.assemblies.set(key, new Assembly(size, true))
    return true
  }

  /** The whole body once it is complete; null while more is to come, or when this body is not expected any more. */
  add(key: string, index: number, bytes: Uint8Array): Uint8Array | 'broken' | null {
    const assembly = this.assemblies.get(key)
    if (assembly === undefined) return null
    const progress = assembly.add(index, bytes)
    if (progress === 'more') return null
    this.drop(key)
    return progress === 'broken' ? 'broken' : assembly.body()
  }

  /** This body is not expected any more: further fragments of it are ignored. */
  drop(key: string): void {
    this.assemblies.delete(key)
  }
}
