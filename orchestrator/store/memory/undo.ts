/**
 * How a batch on a MemoryDisk is taken back: each change notes its undoing, and the notes are run backwards. Every kind
 * of write uses it.
 */
import { StoreError } from '../../engine/ports/store.ts'

export type Undo = (() => void)[]

export function must(held: boolean, otherwise: () => string): asserts held {
  if (!held) throw new StoreError('fenced', otherwise())
}

/** Sets an entry; undone, the old value is back, or there is none. */
export function put<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, undo: Undo): void {
  const before = map.get(key)
  map.set(key, value)
  undo.push(() => (before === undefined ? map.delete(key) : map.set(key, before)))
}

/** Removes an entry; undone, it is back. */
export function take<Key, Value>(map: Map<Key, Value>, key: Key, undo: Undo): void {
  const before = map.get(key)
  if (before === undefined) return
  map.delete(key)
  undo.push(() => map.set(key, before))
}
