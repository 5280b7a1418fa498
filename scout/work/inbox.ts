/**
 * Requests too large for their frame, while their fragments arrive. The executor announces each body and adds every
 * fragment; the last one returns the whole body. Bounded by the sum of the announced sizes.
 */
import { assemblyBytesMax } from '../../shared/limits/wire.ts'
import { Assembly } from '../../shared/protocol/fragments.ts'

export class Inbox {
  private readonly assemblies = new Map<string, Assembly>()
  private announcedBytes = 0

  /** Prepares for a body of `size` bytes. False when too much is half-delivered already. */
  expect(key: string, size: number): boolean {
    if (this.announcedBytes + size > assemblyBytesMax) return false
    this.assemblies.set(key, new Assembly(size))
    this.announcedBytes += size
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
    const assembly = this.assemblies.get(key)
    if (assembly === undefined) return
    this.assemblies.delete(key)
    this.announcedBytes -= assembly.size
  }
}
