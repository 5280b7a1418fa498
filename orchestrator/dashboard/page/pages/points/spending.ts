/**
 * What the hub says of points that are spent: what one has of them, and what changed that. Pure.
 */
export interface SpendablePoints {
  available: number
  /** Set aside for requests that are under way. */
  reserved: number
  /** Of one's scouts, in seasons that are not closed. */
  earned: number
}

export interface Movement {
  day: string
  kind: string
  /** Below zero where they were taken. */
  points: number
  count: number
}

export interface MovementPage {
  data: Movement[]
  /** Where older ones go on; null where there are none. */
  next: number | null
}

/** A page may end within a day: then the next one begins with the rest of it. */
export function joined(pages: readonly MovementPage[]): Movement[] {
  const rows = new Map<string, Movement>()
  for (const row of pages.flatMap(({ data }) => data)) {
    const key = `${row.day} ${row.kind}`
    const known = rows.get(key)
    rows.set(key, known ? { ...known, points: known.points + row.points, count: known.count + row.count } : row)
  }
  return [...rows.values()]
}
