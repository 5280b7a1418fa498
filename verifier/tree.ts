/**
 * The tree over the leaves of a batch, as RFC 9162 has it: the root of all leaves, and the root that follows from one
 * leaf and its path.
 */
import { createHash } from 'node:crypto'
import { must } from './flaw.ts'

const leafPrefix = Buffer.from([0])
const nodePrefix = Buffer.from([1])

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export function rootOfAll(leaves: readonly Buffer[]): Buffer {
  let level = leaves.map((leaf) => sha256(leafPrefix, leaf))
  must(level.length > 0, () => 'a batch has no leaves')
  while (level.length > 1) {
    const above: Buffer[] = []
    for (let at = 0; at < level.length; at += 2) {
      const right = level[at + 1]
      above.push(right === undefined ? level[at]! : sha256(nodePrefix, level[at]!, right))
    }
    level = above
  }
  return level[0]!
}

export function rootOfPath(leaf: Buffer, place: number, count: number, path: readonly Buffer[]): Buffer {
  must(Number.isInteger(place) && place >= 0 && place < count, () => `there is no leaf ${place} among ${count}`)
  let node = sha256(leafPrefix, leaf)
  let at = place
  let used = 0
  for (let width = count; width > 1; width = (width + 1) >> 1) {
    const isLeft = at % 2 === 0
    if (!isLeft || at + 1 < width) {
      const sibling = path[used++]
      must(sibling !== undefined, () => 'a path is too short')
      node = isLeft ? sha256(nodePrefix, node, sibling) : sha256(nodePrefix, sibling, node)
    }
    at >>= 1
  }
  must(used === path.length, () => 'a path is too long')
  return node
}
