/**
 * A table whose rows become cards on small screens, where each cell carries its column's name; unless it is one of few
 * and narrow columns.
 */
import type { ComponentChildren } from 'preact'

export interface Column<Row> {
  /** Empty for a column of buttons. */
  name: string
  /** Numbers: at the right, aligned. */
  isNumber?: boolean
  /** The cell that heads the card. */
  isLead?: boolean
  /** Words that are never more than a few letters, as of a pill. */
  isShort?: boolean
  /** Left out where a table has little room and is none of cards yet. */
  isMinor?: boolean
  cell: (row: Row) => ComponentChildren
}

interface TableProps<Row> {
  caption: string
  columns: Column<Row>[]
  rows: readonly Row[]
  rowKey: (row: Row) => string
  /** On small screens: a list of names and values (the default), figures side by side, or still a table. */
  small?: 'list' | 'figures' | 'table'
}

export function Table<Row>({ caption, columns, rows, rowKey, small = 'list' }: TableProps<Row>) {
  const kind = ({ isNumber, isLead, isShort, isMinor }: Column<Row>) =>
    [isNumber && 'right', isLead && 'lead', isShort && 'few', isMinor && 'minor'].filter(Boolean).join(' ')
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table is scrolled by keyboard as well
    <section class="table-box" aria-label={`${caption}, table`} tabIndex={0}>
      <table class={`table ${small === 'table' ? '' : `cards ${small}`}`}>
        <caption class="hidden-text">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" class={kind(column)} key={column.name}>
                {column.name === '' ? <span class="hidden-text">Actions</span> : column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => (
                <td class={kind(column)} data-label={column.name} key={column.name}>
                  <div>{column.cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
