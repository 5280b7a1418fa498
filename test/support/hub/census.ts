/**
 * Counts what an object keeps alive, by the path of fields on which it is first reached: how a test finds that a map
 * or a list of the hub grows with every session or task that ever was. What a closure has captured is not counted.
 */

export interface Kept {
  /** Entries of collections, or objects, on this path. */
  count: number
  /** Characters of keys and bytes of buffers. */
  bytes: number
}

/** `cut`: what is not looked into, such as the disk, where rows are meant to stay. */
export function censusOf(root: object, cut: readonly object[] = []): Map<string, Kept> {
  const kept = new Map<string, Kept>()
  const seen = new Set<object>(cut)
  const open: [string, unknown][] = [['', root]]
  const note = (path: string, count: number, bytes: number) => {
    const sum = kept.get(path) ?? { count: 0, bytes: 0 }
    kept.set(path, { count: sum.count + count, bytes: sum.bytes + bytes })
  }
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [path, value] = next
    if (typeof value === 'string') note(path, 0, value.length)
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    if (ArrayBuffer.isView(value)) {
      note(path, 1, value.byteLength)
      continue
    }
    note(path, sizeOf(value), 0)
    if (value instanceof Map || value instanceof Set) {
      for (const [key, item] of value.entries()) open.push([`${path}{key}`, key], [`${path}{}`, item])
    } else if (Array.isArray(value)) {
      for (const item of value) open.push([`${path}[]`, item])
    } else {
      for (const [field, item] of Object.entries(value)) open.push([`${path}.${field}`, item])
    }
  }
  return kept
}

/** Numbers in a collection are no objects and cost memory all the same. */
function sizeOf(value: object): number {
  if (value instanceof Map || value instanceof Set) return 1 + value.size
  return Array.isArray(value) ? 1 + value.length : 1
}

/** The paths on which more is kept than before, each with both counts; those that grew by less than `slack` are not. */
export function growthOf(before: Map<string, Kept>, after: Map<string, Kept>, slack: number): string[] {
  const grown: string[] = []
  for (const [path, { count, bytes }] of after) {
    const was = before.get(path) ?? { count: 0, bytes: 0 }
    if (count - was.count < slack && bytes - was.bytes < slack * 64) continue
    grown.push(`${path}: ${was.count} -> ${count}, ${was.bytes} -> ${bytes} bytes`)
  }
  return grown
}
