/** A reader of RFC 4180 written from the standard, not from our writer. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let field = ''
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!
    if (quoted) {
      if (char !== '"') field += char
      else if (text[at + 1] === '"') {
        field += '"'
        at += 1
      } else quoted = false
    } else if (char === '"' && field === '') quoted = true
    else if (char === ',' || char === '\r') {
      row.push(field)
      field = ''
      if (char === '\r') {
        if (text[at + 1] !== '\n') throw new Error('a lone carriage return')
        at += 1
        rows.push(row)
        row = []
      }
    } else if (char === '\n') throw new Error('a lone line feed')
    else field += char
  }
  if (quoted || field !== '' || row.length > 0) throw new Error('the last line has no end')
  return rows
}
