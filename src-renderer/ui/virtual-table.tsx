/**
 * A table of which only the rows on the screen are drawn. It scrolls with the page; what is above and below stands as
 * one empty row each, so that the scroll bar is true and the table is still a table.
 */
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'

import type { Column } from './table.tsx'

/** Of a row with one line of text, until the rows themselves are measured. */
const ROW_PX = 41
const OVERSCAN = 12

const classOf = (column: { right?: boolean; wideOnly?: boolean }): string =>
  `${column.right === true ? 'r' : ''} ${column.wideOnly === true ? 'wide-only' : ''}`.trim()

const Space = ({ height, columns }: { height: number; columns: number }) =>
  height <= 0 ? null : (
    <tr aria-hidden="true">
      <td aria-label="rows out of sight" colSpan={columns} style={{ height, padding: 0, border: 0 }} />
    </tr>
  )

export function VirtualTable<Row>({
  columns,
  rows,
  rowKey,
  caption,
  onShown,
}: {
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  rowKey: (row: Row) => string
  caption: string
  /** Called with the first and the last row that are on the screen or near it. */
  onShown: (first: number, last: number) => void
}) {
  const body = useRef<HTMLTableSectionElement>(null)
  const [top, setTop] = useState(0)
  useLayoutEffect(() => {
    const now = body.current === null ? 0 : body.current.getBoundingClientRect().top + window.scrollY
    setTop(now)
  }, [rows.length])
  // oxlint-disable-next-line react/incompatible-library -- its functions are used in this component alone
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    scrollMargin: top,
    getItemKey: (index) => rowKey(rows[index]!),
  })
  const items = virtual.getVirtualItems()
  const [first, last] = [items[0], items.at(-1)]
  const [from, to] = [first?.index ?? 0, last?.index ?? 0]
  useEffect(() => onShown(from, to), [from, to, onShown])
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by the keyboard
    <section className="scroll-x" tabIndex={0} aria-label={`${caption}, table`}>
      <table className="table" aria-rowcount={rows.length + 1}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column, index) => (
              <th key={index} scope="col" className={classOf(column)}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          <Space height={first === undefined ? 0 : first.start - top} columns={columns.length} />
          {items.map(({ key, index }) => (
            <tr key={key} data-index={index} ref={virtual.measureElement} aria-rowindex={index + 2}>
              {columns.map((column, at) => (
                <td key={at} className={classOf(column)}>
                  {column.cell(rows[index]!)}
                </td>
              ))}
            </tr>
          ))}
          <Space height={last === undefined ? 0 : virtual.getTotalSize() - (last.end - top)} columns={columns.length} />
        </tbody>
      </table>
    </section>
  )
}
