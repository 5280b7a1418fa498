/**
 * A set that can also hand out a random member, all in constant time: members sit in an array and know their place by
 * a map. The idle scouts of a class and the ready classes of a model are such sets.
 */
import type { Random } from './random.ts'

export class SampledSet<T> {
  private readonly members: T[] = []
  private readonly places = new Map<T, number>()

  get size(): number {
    return this.members.length
  }

  has(member: T): boolean {
    return this.places.has(member)
  }

  /** False when it was a member already. */
  add(member: T): boolean {
    if (this.places.has(member)) return false
    this.places.set(member, this.members.length)
    this.members.push(member)
    return true
  }

  /** False when it was none. */
  delete(member: T): boolean {
    const place = this.places.get(member)
    if (place === undefined) return false
    const last = this.members.pop()!
    if (last !== member) {
      this.members[place] = last
      this.places.set(last, place)
    }
    this.places.delete(member)
    return true
  }

  /** A random member; the set must not be empty. */
  sample(random: Random): T {
    return this.members[random.below(this.members.length)]!
  }

  [Symbol.iterator](): Iterator<T> {
    return this.members[Symbol.iterator]()
  }
}
