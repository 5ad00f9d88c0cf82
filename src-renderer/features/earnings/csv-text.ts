/** Rows as CSV (RFC 4180): quotes around anything with a comma, quote or line break, quotes inside doubled. */
export type CsvCell = string | number | null

const cell = (value: CsvCell): string => {
  const text = value === null ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const csvText = (rows: readonly (readonly CsvCell[])[]): string =>
  rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')
