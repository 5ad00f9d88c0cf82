/** A plain table from columns as data: the same for every list and for the table behind every chart. */
import type { ReactNode } from 'react'

export interface Column<Row> {
  head: ReactNode
  cell: (row: Row) => ReactNode
  right?: boolean
  /** Left out where the window is narrow; the drawer or another column still says it. */
  wideOnly?: boolean
}

const classOf = (column: { right?: boolean; wideOnly?: boolean }): string =>
  `${column.right === true ? 'r' : ''} ${column.wideOnly === true ? 'wide-only' : ''}`.trim()

export function Table<Row>({
  columns,
  rows,
  rowKey,
  caption,
  rowClass,
}: {
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  rowKey: (row: Row, index: number) => string
  caption: string
  rowClass?: (row: Row) => string | undefined
}) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by the keyboard
    <section className="scroll-x" tabIndex={0} aria-label={`${caption}, table`}>
      <table className="table">
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th key={index} scope="col" className={classOf(column)}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={rowKey(row, index)} className={rowClass?.(row)}>
              {columns.map((column, at) => (
                <td key={at} className={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
