/**
 * A table whose rows become cards on small screens, where each cell carries its column's name.
 */
import type { ComponentChildren } from 'preact'

export interface Column<Row> {
  /** Empty for a column of buttons. */
  name: string
  /** Numbers: at the right, aligned. */
  isNumber?: boolean
  /** The cell that heads the card. */
  isLead?: boolean
  /** Left out where a table has little room and is none of cards yet. */
  isMinor?: boolean
  cell: (row: Row) => ComponentChildren
}

interface TableProps<Row> {
  caption: string
  columns: Column<Row>[]
  rows: readonly Row[]
  rowKey: (row: Row) => string
}

export function Table<Row>({ caption, columns, rows, rowKey }: TableProps<Row>) {
  const kind = ({ isNumber, isLead, isMinor }: Column<Row>) =>
    [isNumber && 'right', isLead && 'lead', isMinor && 'minor'].filter((name) => name !== undefined).join(' ')
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table is scrolled by keyboard as well
    <section class="table-box" aria-label={`${caption}, table`} tabIndex={0}>
      <table class="table">
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
