/**
 * Header of a GGUF file: scalar metadata and tensor directory, with every count bounded, and the size the file must
 * have by its own sum. The library's reader takes a truncated file for a whole one, so we read it ourselves. Format:
 * docs/gguf.md of ggml, versions 2 and 3.
 */
import { open, stat } from 'node:fs/promises'

import { fail, StokerError } from '#contract/errors.ts'
import { because, type ReasonParam } from '#contract/reasons.ts'

import { createBoundedReader, EndOfFile, Implausible, type BoundedReader } from './bounded-reader.ts'
import { tensorBytes } from './gguf-types.ts'

export interface GgufHeader {
  sizeBytes: number
  /** Scalars and texts up to 1 MiB. Integers beyond 2^53 are bigints. */
  metadata: ReadonlyMap<string, Scalar>
  /** Of the lists, which are not read, the number of entries. */
  lists: ReadonlyMap<string, number>
  tensors: number
  /** Elements of all tensors. */
  parameters: number
  /** After its own end another GGUF begins in the same file, as `cat` puts parts together. */
  isFollowed: boolean
}

export type Scalar = string | number | boolean | bigint

const MAGIC = 0x46554747
const MAGIC_BYTES = 4
/** Versions 2 and 3 as a big-endian file writes them, read as little-endian. */
const SWAPPED_VERSIONS: readonly number[] = [0x02_00_00_00, 0x03_00_00_00]
const KEYS_MAX = 65_536
const TENSORS_MAX = 1_000_000
const ARRAY_MAX = 100_000_000
const KEY_BYTES_MAX = 65_536
const TEXT_BYTES_MAX = 1_048_576
const DIMENSIONS_MAX = 8
const STRING = 8
const ARRAY = 9
/** Value type → bytes. */
const FIXED: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 }

/** What a header counts; the select of gguf.claimTooMany. */
type Counted = 'list' | 'tensors' | 'keys' | 'dimensions' | 'elements'

function bounded(value: number, max: number, what: Counted): number {
  if (value > max) throw new Implausible(because('gguf.claimTooMany', { value, what }))
  return value
}

/** Returns the number of entries. */
async function skipArray(reader: BoundedReader, depth: number): Promise<number> {
  const type = await reader.u32()
  const count = bounded(await reader.u64(), ARRAY_MAX, 'list')
  const width = FIXED[type]
  if (width !== undefined) reader.skip(width * count)
  else if (type === STRING) for (let at = 0; at < count; at += 1) await reader.string(0)
  else if (type === ARRAY && depth < 4) for (let at = 0; at < count; at += 1) await skipArray(reader, depth + 1)
  else throw new Implausible(because('gguf.claimList', { type }))
  return count
}

const narrow = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value

/** All scalar types of the format; a list by its number of entries. */
async function readValue(reader: BoundedReader): Promise<Scalar | { entries: number }> {
  const type = await reader.u32()
  switch (type) {
    case 0:
      return reader.u8()
    case 1:
      return reader.i8()
    case 2:
      return reader.u16()
    case 3:
      return reader.i16()
    case 4:
      return reader.u32()
    case 5:
      return reader.i32()
    case 6:
      return reader.f32()
    case 7:
      return (await reader.u8()) !== 0
    case STRING:
      return reader.string(TEXT_BYTES_MAX)
    case ARRAY:
      return { entries: await skipArray(reader, 0) }
    case 10:
      return narrow(await reader.wide(false))
    case 11:
      return narrow(await reader.wide(true))
    case 12:
      return reader.f64()
    default:
      throw new Implausible(because('gguf.claimValue', { type }))
  }
}

/** End of the furthest tensor, counted from the start of the data. */
async function readTensors(reader: BoundedReader, count: number): Promise<{ parameters: number; dataBytes: number }> {
  let parameters = 0
  let dataBytes = 0
  for (let at = 0; at < count; at += 1) {
    await reader.string(KEY_BYTES_MAX)
    const dimensions = bounded(await reader.u32(), DIMENSIONS_MAX, 'dimensions')
    let elements = 1
    for (let dimension = 0; dimension < dimensions; dimension += 1)
      elements = bounded(elements * (await reader.u64()), Number.MAX_SAFE_INTEGER, 'elements')
    const type = await reader.u32()
    const offset = await reader.u64()
    const bytes = tensorBytes(type, elements)
    // Its size is unknown, so whether the file is whole is too; the engine would not load it either.
    if (bytes === null) throw new Implausible(because('gguf.claimTensor', { type }))
    parameters += elements
    dataBytes = Math.max(dataBytes, offset + bytes)
  }
  return { parameters, dataBytes }
}

async function readAll(reader: BoundedReader, sizeBytes: number, path: string): Promise<GgufHeader> {
  if ((await reader.u32()) !== MAGIC) throw fail('gguf.notOne', { path })
  const version = await reader.u32()
  if (SWAPPED_VERSIONS.includes(version)) throw fail('gguf.bigEndian', { path })
  if (version !== 2 && version !== 3)
    throw fail(
      'gguf.version',
      { path, version },
      {
        data: { version },
      },
    )
  const tensors = bounded(await reader.u64(), TENSORS_MAX, 'tensors')
  const keys = bounded(await reader.u64(), KEYS_MAX, 'keys')
  const metadata = new Map<string, Scalar>()
  const lists = new Map<string, number>()
  for (let at = 0; at < keys; at += 1) {
    const key = await reader.string(KEY_BYTES_MAX)
    const value = await readValue(reader)
    if (typeof value === 'object') lists.set(key, value.entries)
    else metadata.set(key, value)
  }
  const { parameters, dataBytes } = await readTensors(reader, tensors)
  const declared = metadata.get('general.alignment')
  const alignment = typeof declared === 'number' && declared > 0 ? declared : 32
  const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment
  const needed = aligned(reader.offset) + dataBytes
  if (sizeBytes < needed) throw truncated(path, sizeBytes, needed)
  const end = aligned(needed)
  reader.skip(Math.max(0, end - reader.offset))
  const isFollowed = sizeBytes >= end + MAGIC_BYTES && (await reader.u32()) === MAGIC
  return { sizeBytes, metadata, lists, tensors, parameters, isFollowed }
}

const truncated = (path: string, have: number, need: number | null): StokerError =>
  need === null
    ? fail('gguf.truncatedHeader', { path, have }, { data: { haveBytes: have, needBytes: need } })
    : fail('gguf.truncated', { path, have, need }, { data: { haveBytes: have, needBytes: need } })

const unreadable = (path: string, reason: ReasonParam): StokerError => fail('gguf.unreadable', { path, reason })

function readable(error: unknown, path: string): StokerError {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ENOTDIR') return unreadable(path, because('file.none'))
  if (code === 'EACCES' || code === 'EPERM') return unreadable(path, because('file.denied'))
  return unreadable(path, code ?? because('file.readFailed'))
}

/**
 * Errors: MODEL_UNREADABLE (missing, a directory, permission), MODEL_EMPTY, MODEL_NOT_GGUF, MODEL_TRUNCATED (data:
 * haveBytes, needBytes), MODEL_UNSUPPORTED.
 */
export async function readGgufHeader(path: string): Promise<GgufHeader> {
  const facts = await stat(path).catch((error: unknown) => {
    throw readable(error, path)
  })
  if (facts.isDirectory()) throw unreadable(path, because('file.folder'))
  if (!facts.isFile()) throw unreadable(path, because('file.notOrdinary'))
  if (facts.size === 0) throw fail('gguf.empty', { path })
  const file = await open(path, 'r').catch((error: unknown) => {
    throw readable(error, path)
  })
  try {
    return await readAll(createBoundedReader(file, facts.size), facts.size, path)
  } catch (error) {
    if (error instanceof StokerError) throw error
    // Fewer than four bytes cannot say what they are.
    if (error instanceof EndOfFile)
      throw facts.size < 4 ? fail('gguf.none', { path }) : truncated(path, facts.size, null)
    if (error instanceof Implausible) throw fail('gguf.damaged', { path, claim: error.claim })
    throw readable(error, path)
  } finally {
    await file.close()
  }
}
