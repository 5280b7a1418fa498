/**
 * The tree over the leaves of a batch, as RFC 9162 has it: leaves and inner nodes are hashed under different prefixes,
 * and where the number of nodes of a level is odd the last one moves up as it is. A path is what is needed to compute
 * the root from one leaf. Pure.
 */

import { sha256, sha256Bytes, sha256Into } from '../../../shared/answers/sha256.ts'
import { copyBytes, Scratch } from '../../../shared/json/byte-part.ts'
import { leafBytesMax } from '../../../shared/limits/ledger/ledger.ts'

const leafPrefix = 0
const nodePrefix = 1

/** A hash in one call over one buffer costs a third of what one in parts costs. */
const prefixedLeaf = new Scratch(1 + leafBytesMax)
prefixedLeaf.bytes[0] = leafPrefix
const pair = Buffer.alloc(1 + 2 * sha256Bytes, nodePrefix)

/** Of one hash, filled again and again. */
const digest = new Uint8Array(sha256Bytes)

/** The hash of the leaf at these places of `bytes`, in `digest`. */
function hashLeaf(bytes: Uint8Array, from: number, end: number): void {
  copyBytes(bytes, from, end, prefixedLeaf.bytes, 1)
  sha256Into(prefixedLeaf.first(1 + end - from), digest)
}

function leafHash(leaf: Uint8Array): Uint8Array {
  hashLeaf(leaf, 0, leaf.length)
  return new Uint8Array(digest)
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  pair.set(left, 1)
  pair.set(right, 1 + sha256Bytes)
  return sha256(pair)
}

/** Of the tree that is being built: the hashes of one level behind one another, each level over the one below it. */
let level = Buffer.alloc(sha256Bytes)
let nodes = 0

/** The next leaf of the tree that is being built stands at these places. Nothing is made for it. */
export function addLeaf(bytes: Uint8Array, from: number, end: number): void {
  hashLeaf(bytes, from, end)
  const at = nodes * sha256Bytes
  if (at === level.length) level = Buffer.concat([level], 2 * at)
  level.set(digest, at)
  nodes++
}

/** The root over the leaves that were added, at least one; the next one begins another tree. */
export function endTree(): Uint8Array {
  if (nodes === 0) throw new Error('a tree has at least one leaf')
  for (; nodes > 1; nodes = Math.ceil(nodes / 2)) joinLevel()
  nodes = 0
  return new Uint8Array(level.subarray(0, sha256Bytes))
}

/** Puts the level above this one in its place. */
function joinLevel(): void {
  for (let node = 0; node + 1 < nodes; node += 2) {
    level.copy(pair, 1, node * sha256Bytes, (node + 2) * sha256Bytes)
    sha256Into(pair, digest)
    level.set(digest, (node / 2) * sha256Bytes)
  }
  if (nodes % 2 === 1) level.copyWithin(((nodes - 1) / 2) * sha256Bytes, (nodes - 1) * sha256Bytes, nodes * sha256Bytes)
}

function above(level: readonly Uint8Array[]): Uint8Array[] {
  const next: Uint8Array[] = []
  for (let at = 0; at + 1 < level.length; at += 2) next.push(nodeHash(level[at]!, level[at + 1]!))
  if (level.length % 2 === 1) next.push(level.at(-1)!)
  return next
}

/** The siblings of each of these leaves, from itself up to the root; the tree is computed once for all of them. */
export function pathsOf(leaves: readonly Uint8Array[], places: readonly number[]): Uint8Array[][] {
  if (places.length === 0) return []
  const levels = [leaves.map(leafHash)]
  while (levels.at(-1)!.length > 1) levels.push(above(levels.at(-1)!))
  return places.map((place) => {
    const siblings = levels.map((level, height) => level[(place >> height) ^ 1])
    return siblings.filter((sibling) => sibling !== undefined)
  })
}
