/**
 * Takes GGUF files apart and puts them together again, little-endian, version 3: with other metadata, without tensors,
 * or split into parts as `llama-gguf-split` writes them. Format: docs/gguf.md of ggml.
 */

export interface GgufEntry {
  key: string
  /** Type and value, as they stand in the file. */
  raw: Buffer
}
export interface GgufTensor {
  /** Name, dimensions and type, as they stand in the file. */
  head: Buffer
  data: Buffer
}
export interface GgufFile {
  entries: GgufEntry[]
  tensors: GgufTensor[]
}

const ALIGNMENT = 32
const STRING = 8
const ARRAY = 9
const WIDTHS: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 }
const aligned = (offset: number): number => Math.ceil(offset / ALIGNMENT) * ALIGNMENT

export function takeApart(bytes: Buffer): GgufFile {
  let at = 8
  const u32 = (): number => bytes.readUInt32LE((at += 4) - 4)
  const u64 = (): number => Number(bytes.readBigUInt64LE((at += 8) - 8))
  const text = (): string => {
    const length = u64()
    return bytes.toString('utf8', at, (at += length))
  }
  const skip = (type: number): void => {
    if (type === STRING) text()
    else if (type === ARRAY) {
      const inner = u32()
      for (let left = u64(); left > 0; left -= 1) skip(inner)
    } else at += WIDTHS[type]!
  }
  const [tensorCount, entryCount] = [u64(), u64()]
  const entries = Array.from({ length: entryCount }, () => {
    const key = text()
    const start = at
    skip(u32())
    return { key, raw: bytes.subarray(start, at) }
  })
  const found = Array.from({ length: tensorCount }, () => {
    const start = at
    text()
    const dimensions = u32()
    at += dimensions * 8 + 4
    const head = bytes.subarray(start, at)
    return { head, offset: u64() }
  })
  const dataStart = aligned(at)
  const offsets = [...found.map(({ offset }) => offset), bytes.length - dataStart].sort((a, b) => a - b)
  const tensors = found.map(({ head, offset }) => ({
    head,
    data: bytes.subarray(dataStart + offset, dataStart + offsets.find((next) => next > offset)!),
  }))
  return { entries, tensors }
}

const u64Of = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
const u32Of = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const stringOf = (text: string): Buffer => Buffer.concat([u64Of(Buffer.byteLength(text)), Buffer.from(text)])

export const textEntry = (key: string, text: string): GgufEntry => ({
  key,
  raw: Buffer.concat([u32Of(STRING), stringOf(text)]),
})
/** A scalar of type `type`, its value as it stands in the file. */
export const scalarEntry = (key: string, type: number, value: Buffer): GgufEntry => ({
  key,
  raw: Buffer.concat([u32Of(type), value]),
})
export function u16Entry(key: string, value: number): GgufEntry {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return scalarEntry(key, 2, bytes)
}

export function putTogether({ entries, tensors }: GgufFile): Buffer {
  const pieces: Buffer[] = [Buffer.from('GGUF'), u32Of(3), u64Of(tensors.length), u64Of(entries.length)]
  for (const { key, raw } of entries) pieces.push(stringOf(key), raw)
  let offset = 0
  for (const { head, data } of tensors) {
    pieces.push(head, u64Of(offset))
    offset = aligned(offset + data.length)
  }
  const pad = (): void => {
    const length = pieces.reduce((sum, { length: one }) => sum + one, 0)
    pieces.push(Buffer.alloc(aligned(length) - length))
  }
  pad()
  for (const { data } of tensors) {
    pieces.push(data)
    pad()
  }
  return Buffer.concat(pieces)
}

/** With some metadata replaced or added, and some left out. */
export const withEntries = (
  file: GgufFile,
  changed: readonly GgufEntry[],
  without: readonly string[] = [],
): GgufFile => ({
  ...file,
  entries: [
    ...file.entries.filter(({ key }) => !without.includes(key) && !changed.some((entry) => entry.key === key)),
    ...changed,
  ],
})

/** Parts with about as many tensors each; all metadata is in the first. */
export function splitGguf(bytes: Buffer, count: number): Buffer[] {
  const whole = takeApart(bytes)
  const each = Math.ceil(whole.tensors.length / count)
  const total = Buffer.alloc(4)
  total.writeInt32LE(whole.tensors.length)
  return Array.from({ length: count }, (_, no) =>
    putTogether({
      entries: [
        ...(no === 0 ? whole.entries : []),
        u16Entry('split.no', no),
        u16Entry('split.count', count),
        scalarEntry('split.tensors.count', 5, total),
      ],
      tensors: whole.tensors.slice(no * each, (no + 1) * each),
    }),
  )
}

/** NAME-00001-of-00002.gguf and so on. */
export const partName = (stem: string, no: number, count: number): string =>
  `${stem}-${String(no + 1).padStart(5, '0')}-of-${String(count).padStart(5, '0')}.gguf`
