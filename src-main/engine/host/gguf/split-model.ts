/**
 * A model split into several files, as `llama-gguf-split` writes them: each says its number from 0, how many there are,
 * and how many tensors all of them have (`split.no`, `split.count`, `split.tensors.count`); only the first has the rest
 * of the metadata. llama.cpp finds the others by their names, NAME-00001-of-00003.gguf and so on.
 */
import { basename, dirname, join } from 'node:path'

import { fail, StokerError } from '#contract/errors.ts'

import { readGgufHeader, type GgufHeader } from './gguf-header.ts'

/** What the format of the names allows is more; no published model has a hundred. */
const PARTS_MAX = 1_000
const NAME = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i

export interface ModelFiles {
  /** Of the first part. */
  header: GgufHeader
  /** Their paths in `split.no` order; the only one of a model that is not split. */
  parts: string[]
  /** Of all parts. */
  sizeBytes: number
  tensors: number
  parameters: number
}

const count = (header: GgufHeader, key: string): number | null => {
  const value = header.metadata.get(key)
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : null
}

const padded = (number: number): string => String(number).padStart(5, '0')

/** The names of all parts beside the one of this name; null when it is not named as a part of so many. */
function namesOf(name: string, no: number, of: number): string[] | null {
  const [, prefix, number, total] = NAME.exec(name) ?? []
  if (prefix === undefined || Number(number) !== no + 1 || Number(total) !== of) return null
  return Array.from({ length: of }, (_, at) => `${prefix}-${padded(at + 1)}-of-${padded(of)}.gguf`)
}

const named = (stem: string, no: number, of: number): string => `${stem}-${padded(no + 1)}-of-${padded(of)}.gguf`

async function readPart(path: string, no: number, of: number): Promise<GgufHeader> {
  const header = await readGgufHeader(path).catch((error: unknown) => {
    if (error instanceof StokerError && error.code === 'MODEL_UNREADABLE')
      throw fail('gguf.splitMissing', { path, no: no + 1, parts: of }, { data: { path }, cause: error })
    throw error
  })
  if (count(header, 'split.no') !== no || count(header, 'split.count') !== of)
    throw fail('gguf.splitForeign', { path, no: no + 1, parts: of })
  return header
}

/**
 * Reads the headers of all parts. Errors: those of readGgufHeader, of each part; MODEL_MISSING where a part is not there
 * (named); MODEL_UNSUPPORTED where the path is not the first part, parts stand one after another in one file, the names
 * are not those the engine looks for, or the parts do not belong together.
 */
export async function readModelFiles(path: string): Promise<ModelFiles> {
  const header = await readGgufHeader(path)
  const of = count(header, 'split.count') ?? 0
  const { sizeBytes, tensors, parameters } = header
  if (of <= 1) return { header, parts: [path], sizeBytes, tensors, parameters }
  if (header.isFollowed) throw fail('gguf.splitMerged', { path, parts: of })
  const no = count(header, 'split.no') ?? 0
  if (of > PARTS_MAX) throw fail('gguf.splitTooMany', { path, parts: of, max: PARTS_MAX })
  const names = namesOf(basename(path), no, of)
  const [first] = names ?? [named('NAME', 0, of)]
  if (no > 0) throw fail('gguf.splitPart', { path, no: no + 1, parts: of, first: first ?? '' })
  if (names === null) throw fail('gguf.splitName', { path, name: named('NAME', no, of), parts: of })
  const all: ModelFiles = { header, parts: [path], sizeBytes, tensors, parameters }
  for (const [at, name] of names.entries()) {
    if (at === 0) continue
    const part = join(dirname(path), name)
    const found = await readPart(part, at, of)
    all.parts.push(part)
    all.sizeBytes += found.sizeBytes
    all.tensors += found.tensors
    all.parameters += found.parameters
  }
  const promised = count(header, 'split.tensors.count')
  if (promised !== null && promised !== all.tensors)
    throw fail('gguf.splitTensors', { path, parts: of, have: all.tensors, need: promised })
  return all
}
