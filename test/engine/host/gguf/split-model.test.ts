/** A model in several files is one model, and what is no whole model is refused before it is stored (models.md 1, 2, 4). */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, describe, expect, it } from 'vitest'

import type { StokerError } from '#contract/errors.ts'
import { inspectModel } from '#engine/host/gguf/inspect-model.ts'
import { readGgufHeader } from '#engine/host/gguf/gguf-header.ts'
import { estimateMemory } from '#engine/host/native/llama-estimate.ts'
import {
  partName,
  putTogether,
  scalarEntry,
  splitGguf,
  takeApart,
  textEntry,
  u16Entry,
  withEntries,
  type GgufEntry,
} from '#test/support/gguf-file.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { ask, NANO, ONE_SLOT, realEngine, run, SHA, type RealEngine } from '../../engine-support.ts'

const nano = readFileSync(NANO)
let real: RealEngine | null = null
afterEach(async () => {
  await real?.engine.stop()
  real = null
})

const refusal = (path: string): Promise<StokerError> =>
  inspectModel(path, {}, estimateMemory).then(
    () => Promise.reject(new Error('it was taken')),
    (error: unknown) => error as StokerError,
  )
function write(name: string, bytes: Buffer, folder = tempDir()): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}
function split(count: number, stem = 'nano'): { folder: string; paths: string[] } {
  const folder = tempDir()
  return { folder, paths: splitGguf(nano, count).map((part, no) => write(partName(stem, no, count), part, folder)) }
}

describe('a model of several parts', () => {
  it('is the whole model, with all its parts named, and answers as the one file does', async () => {
    const whole = await inspectModel(NANO, {}, estimateMemory)
    const { paths } = split(3)
    const parts = await inspectModel(paths[0]!, {}, estimateMemory)
    expect(parts).toMatchObject({ parts: paths, parameters: whole.parameters, architecture: whole.architecture })
    expect(parts.sizeBytes).toBeGreaterThan(nano.length)
    expect(whole.parts).toBeUndefined()
    real = realEngine()
    await real.engine.load({ path: NANO, sha256: SHA }, ONE_SLOT)
    const asked = ask('Which is larger, 14 or 90?', { ignoreEos: true, maxTokens: 40 })
    const one = await run(real.engine, asked)
    await real.engine.load({ path: paths[0]!, sha256: SHA }, ONE_SLOT)
    const several = await run(real.engine, asked)
    expect([several.error, several.text]).toEqual([null, one.text])
  }, 90_000)

  it('is not begun at another part: the first one is named', async () => {
    const { paths } = split(2)
    const error = await refusal(paths[1]!)
    expect([error.code, error.reason]).toEqual([
      'MODEL_UNSUPPORTED',
      { code: 'gguf.splitPart', params: { path: paths[1], no: 2, parts: 2, first: partName('nano', 0, 2) } },
    ])
    expect(error.message).toContain(`is part 2 of 2; choose the first, ${partName('nano', 0, 2)}`)
  })

  it('names the part that is missing, damaged or another model’s', async () => {
    const { paths, folder } = split(2)
    const [first, second] = [paths[0]!, paths[1]!]
    rmSync(second)
    expect((await refusal(first)).reason).toEqual({
      code: 'gguf.splitMissing',
      params: { path: second, no: 2, parts: 2 },
    })
    const part = splitGguf(nano, 2)[1]!
    write(partName('nano', 1, 2), part.subarray(0, part.length - 64), folder)
    const short = await refusal(first)
    expect([short.code, short.reason.params['path']]).toEqual(['MODEL_TRUNCATED', second])
    write(partName('nano', 1, 2), splitGguf(nano, 3)[1]!, folder)
    expect((await refusal(first)).reason).toMatchObject({ code: 'gguf.splitForeign', params: { path: second } })
    write(partName('nano', 1, 2), nano, folder)
    expect((await refusal(first)).reason).toMatchObject({ code: 'gguf.splitForeign', params: { path: second } })
    // A part with fewer tensors than the model has, whole in itself.
    const { entries, tensors } = takeApart(part)
    write(partName('nano', 1, 2), putTogether({ entries, tensors: tensors.slice(1) }), folder)
    expect((await refusal(first)).reason.code).toBe('gguf.splitTensors')
  })

  it('whose parts were put one after another with cat is told so, whatever it is called', async () => {
    const merged = Buffer.concat(splitGguf(nano, 2))
    for (const name of ['merged.gguf', partName('nano', 0, 2)]) {
      const path = write(name, merged)
      expect((await refusal(path)).reason).toEqual({ code: 'gguf.splitMerged', params: { path, parts: 2 } })
    }
  })

  it('needs the names by which the engine finds the parts', async () => {
    const [first] = splitGguf(nano, 2)
    expect((await refusal(write('renamed.gguf', first!))).reason).toMatchObject({ code: 'gguf.splitName' })
    expect((await refusal(write(partName('nano', 0, 3), first!))).reason).toMatchObject({ code: 'gguf.splitName' })
    const many = withEntries(takeApart(first!), [u16Entry('split.count', 60_000)])
    expect((await refusal(write(partName('nano', 0, 60_000), putTogether(many)))).reason.code).toBe('gguf.splitTooMany')
  })
})

describe('a file that is no model to serve', () => {
  const changed = (entries: GgufEntry[], without: string[] = []): string =>
    write('changed.gguf', putTogether(withEntries(takeApart(nano), entries, without)))

  it('reads the same when it is put together again (so that what follows is about what was changed)', async () => {
    const path = write('same.gguf', putTogether(takeApart(nano)))
    expect((await inspectModel(path, {}, estimateMemory)).parameters).toBe(
      (await inspectModel(NANO, {}, estimateMemory)).parameters,
    )
  })

  it.each([
    ['an adapter', () => changed([textEntry('general.type', 'adapter')]), 'gguf.adapter'],
    ['an adapter of before general.type', () => changed([textEntry('adapter.type', 'lora')]), 'gguf.adapter'],
    ['a projector', () => changed([textEntry('general.type', 'mmproj')]), 'gguf.projector'],
    [
      'a projector of before general.type',
      () => changed([textEntry('general.architecture', 'clip')]),
      'gguf.projector',
    ],
    ['a vocabulary', () => write('no.gguf', putTogether({ ...takeApart(nano), tensors: [] })), 'gguf.noTensors'],
    ['without tokenizer', () => changed([], ['tokenizer.ggml.model', 'tokenizer.ggml.tokens']), 'gguf.noTokenizer'],
    ['with the tokenizer none', () => changed([textEntry('tokenizer.ggml.model', 'none')]), 'gguf.noTokenizer'],
  ] as const)('%s is refused by its header', async (_name, path, code) => {
    const error = await refusal(path())
    expect([error.code, error.reason.code]).toEqual(['MODEL_UNSUPPORTED', code])
  })

  it('of the other byte order is told apart from a version nobody knows', async () => {
    const swapped = Buffer.from(nano.subarray(0, 4_096))
    swapped.writeUInt32BE(3, 4)
    expect((await refusal(write('big.gguf', swapped))).message).toContain('big-endian')
    swapped.writeUInt32LE(50, 4)
    expect((await refusal(write('odd.gguf', swapped))).message).toContain('version 50')
  })

  it('with a tensor of a type whose size is unknown is refused: it cannot be told whether the file is whole', async () => {
    const { entries, tensors } = takeApart(nano)
    const odd = tensors.map(({ head, data }, at) => {
      const copy = Buffer.from(head)
      if (at === 0) copy.writeUInt32LE(9_999, copy.length - 4)
      return { head: copy, data }
    })
    expect((await refusal(write('odd.gguf', putTogether({ entries, tensors: odd })))).message).toContain('type 9999')
  })
})

it('reads every scalar type of the format, and values beyond 2^53', async () => {
  const number = (size: number, put: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.alloc(size)
    put(bytes)
    return bytes
  }
  const values: [type: number, bytes: Buffer, value: unknown][] = [
    [0, number(1, (bytes) => bytes.writeUInt8(200)), 200],
    [1, number(1, (bytes) => bytes.writeInt8(-5)), -5],
    [2, number(2, (bytes) => bytes.writeUInt16LE(60_000)), 60_000],
    [3, number(2, (bytes) => bytes.writeInt16LE(-300)), -300],
    [4, number(4, (bytes) => bytes.writeUInt32LE(4_000_000_000)), 4_000_000_000],
    [5, number(4, (bytes) => bytes.writeInt32LE(-7)), -7],
    [6, number(4, (bytes) => bytes.writeFloatLE(1.5)), 1.5],
    [7, number(1, (bytes) => bytes.writeUInt8(1)), true],
    [10, number(8, (bytes) => bytes.writeBigUInt64LE(2n ** 64n - 1n)), 2n ** 64n - 1n],
    [10, number(8, (bytes) => bytes.writeBigUInt64LE(12n)), 12],
    [11, number(8, (bytes) => bytes.writeBigInt64LE(-12n)), -12],
    [12, number(8, (bytes) => bytes.writeDoubleLE(-0.25)), -0.25],
  ]
  const entries = values.map(([type, bytes], at) => scalarEntry(`test.${at}`, type, bytes))
  const path = write('scalars.gguf', putTogether(withEntries(takeApart(nano), entries)))
  const { metadata, lists, tensors } = await readGgufHeader(path)
  expect(values.map((_, at) => metadata.get(`test.${at}`))).toEqual(values.map(([, , value]) => value))
  expect(lists.get('tokenizer.ggml.tokens')).toBeGreaterThan(100)
  expect(tensors).toBe(takeApart(nano).tensors.length)
  // The engine still takes such a file.
  expect((await inspectModel(path, {}, estimateMemory)).architecture).toBe('llama')
})
