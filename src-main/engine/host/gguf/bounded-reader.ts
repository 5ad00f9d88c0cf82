/** Reads little-endian values from a file front to back, in pages, and never past its end. */
import { because, type Reason } from '#contract/reasons.ts'
import type { FileHandle } from 'node:fs/promises'

/** The file ends inside the value at this offset. */
export class EndOfFile extends Error {
  override readonly name = 'EndOfFile'
}
/** A value that no valid file holds: a length or count beyond the bounds. */
export class Implausible extends Error {
  override readonly name = 'Implausible'
  /** What the file claims. */
  readonly claim: Reason
  constructor(claim: Reason) {
    super(claim.code)
    this.claim = claim
  }
}

export interface BoundedReader {
  readonly offset: number
  i8(): Promise<number>
  u16(): Promise<number>
  i16(): Promise<number>
  u32(): Promise<number>
  i32(): Promise<number>
  /** A length or count. Throws Implausible beyond 2^53. */
  u64(): Promise<number>
  /** A value of 64 bits, which may be any. */
  wide(signed: boolean): Promise<bigint>
  f32(): Promise<number>
  f64(): Promise<number>
  u8(): Promise<number>
  string(maxBytes: number): Promise<string>
  skip(bytes: number): void
}

const PAGE_BYTES = 1_048_576

export function createBoundedReader(file: FileHandle, size: number): BoundedReader {
  let page = Buffer.alloc(0)
  let pageStart = 0
  let offset = 0

  async function take(bytes: number): Promise<Buffer> {
    if (offset + bytes > size) throw new EndOfFile(`the file ends at ${size}, inside the header`)
    if (offset < pageStart || offset + bytes > pageStart + page.length) {
      const next = Buffer.alloc(Math.min(Math.max(PAGE_BYTES, bytes), size - offset))
      const { bytesRead } = await file.read(next, 0, next.length, offset)
      page = next.subarray(0, bytesRead)
      pageStart = offset
      if (bytesRead < bytes) throw new EndOfFile('the file became shorter while it was read')
    }
    const at = offset - pageStart
    offset += bytes
    return page.subarray(at, at + bytes)
  }

  const u64 = async (): Promise<number> => {
    const value = (await take(8)).readBigUInt64LE()
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new Implausible(because('gguf.claimCount', { value: String(value) }))
    return Number(value)
  }
  return {
    get offset() {
      return offset
    },
    u8: async () => (await take(1)).readUInt8(),
    i8: async () => (await take(1)).readInt8(),
    u16: async () => (await take(2)).readUInt16LE(),
    i16: async () => (await take(2)).readInt16LE(),
    u32: async () => (await take(4)).readUInt32LE(),
    i32: async () => (await take(4)).readInt32LE(),
    f32: async () => (await take(4)).readFloatLE(),
    f64: async () => (await take(8)).readDoubleLE(),
    u64,
    wide: async (signed) => (signed ? (await take(8)).readBigInt64LE() : (await take(8)).readBigUInt64LE()),
    async string(maxBytes) {
      const length = await u64()
      if (offset + length > size) throw new EndOfFile(`the file ends at ${size}, inside a text`)
      if (length > maxBytes) {
        offset += length
        return ''
      }
      return (await take(length)).toString('utf8')
    },
    skip(bytes) {
      offset += bytes
      if (offset > size) throw new EndOfFile(`the file ends at ${size}, inside the header`)
    },
  }
}
