/**
 * The form of a list that comes in pages: its rows and the mark of the next page.
 */

/** `rows` may hold one more than `limit`, which tells that there is a next page. */
export function listPage<Row>(
  rows: readonly Row[],
  limit: number,
  mark: (row: Row) => string,
  shown: (row: Row) => object,
) {
  const page = rows.slice(0, limit)
  return { object: 'list', data: page.map(shown), next: rows.length > limit ? mark(page.at(-1)!) : null }
}
