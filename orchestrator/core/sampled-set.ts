/**
 * A set that can also hand out a random member, all in constant time: members sit in an array and know their place by
 * a map, which a set of few does without. The idle scouts of a class and the ready classes of a model are such sets.
 */
import type { Random } from './random.ts'

/** Up to this many members are found by looking at each. */
const fewMembers = 8

export class SampledSet<T> {
  private readonly members: T[] = []
  private places: Map<T, number> | null = null

  get size(): number {
    return this.members.length
  }

  has(member: T): boolean {
    return this.place(member) >= 0
  }

  /** False when it was a member already. */
  add(member: T): boolean {
    const { members } = this
    if (this.place(member) >= 0) return false
    this.places?.set(member, members.length)
    members.push(member)
    if (this.places === null && members.length > fewMembers) this.places = new Map(members.map((one, at) => [one, at]))
    return true
  }

  /** False when it was none. */
  delete(member: T): boolean {
    const place = this.place(member)
    if (place < 0) return false
    const last = this.members.pop()!
    if (last !== member) {
      this.members[place] = last
      this.places?.set(last, place)
    }
    this.places?.delete(member)
    return true
  }

  /** A random member; the set must not be empty. */
  sample(random: Random): T {
    return this.members[random.below(this.members.length)]!
  }

  private place(member: T): number {
    return this.places === null ? this.members.indexOf(member) : (this.places.get(member) ?? -1)
  }

  [Symbol.iterator](): Iterator<T> {
    return this.members[Symbol.iterator]()
  }
}
