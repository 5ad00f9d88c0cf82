/**
 * Prints the matrix of zones, spans and moments as a table (docs/calendar.md): `npm run -s calendar`. Exits with 1 when
 * tile, chart, table, CSV and books differ anywhere.
 */
import { calendarMatrix, MATRIX_SPANS, type MatrixCell } from '../test/core/earnings/matrix/matrix.ts'
import { soldYear } from '../test/core/earnings/matrix/sold-year.ts'

const shown = ({ buckets, jobs, differences }: MatrixCell): string =>
  differences.length === 0 ? `${buckets} · ${jobs}` : `DIFFERENT: ${differences[0]}`

const year = soldYear()
try {
  const lines = calendarMatrix(year)
  const rows = lines.map(({ zone, what, look, local, cells }) => [zone, `${what}, ${look}`, local, ...cells.map(shown)])
  const table = [
    ['zone', 'moment', 'its clock', ...MATRIX_SPANS],
    ['---', '---', '---', ...MATRIX_SPANS.map(() => '---')],
    ...rows,
  ]
  const cells = lines.flatMap((line) => line.cells)
  const wrong = cells.filter(({ differences }) => differences.length > 0)
  console.log(table.map((row) => `| ${row.join(' | ')} |`).join('\n'))
  console.log(
    `\n${cells.length} cells (buckets · jobs), ${wrong.length} with a difference between tile, chart, table, CSV and books`,
  )
  process.exitCode = wrong.length === 0 ? 0 : 1
} finally {
  year.dispose()
}
