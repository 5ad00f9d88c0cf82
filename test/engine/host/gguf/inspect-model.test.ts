import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { getLlama } from 'node-llama-cpp'
import { describe, expect, it } from 'vitest'

import { StokerError } from '#contract/errors.ts'
import { modelInfo } from '#contract/models.ts'
import { tensorBytes } from '#engine/host/gguf/gguf-types.ts'
import { inspectModel } from '#engine/host/gguf/inspect-model.ts'
import { estimateMemory } from '#engine/host/native/llama-estimate.ts'
import { tempDir } from '#test/support/temp-dir.ts'

import { NANO } from '../../engine-support.ts'

const nano = readFileSync(NANO)
const codeOf = (path: string, settings = {}): Promise<unknown> =>
  inspectModel(path, settings, estimateMemory).then(
    () => 'fine',
    (error: StokerError) => error.code,
  )

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(tempDir(), name)
  writeFileSync(path, bytes)
  return path
}

/** Header with the given counts and nothing after it. */
function header(version: number, tensors: bigint, keys: bigint): Buffer {
  const bytes = Buffer.alloc(24)
  bytes.write('GGUF')
  bytes.writeUInt32LE(version, 4)
  bytes.writeBigUInt64LE(tensors, 8)
  bytes.writeBigUInt64LE(keys, 16)
  return bytes
}

describe('reading a model before it is loaded', () => {
  it('says what the bundled model is, in the shape of the contract', async () => {
    const { layers, ...info } = await inspectModel(NANO, {}, estimateMemory)
    expect(modelInfo.parse(info)).toEqual(info)
    expect(layers).toBeGreaterThan(0)
    expect(info).toMatchObject({
      fileName: 'nano.gguf',
      architecture: 'llama',
      quantisation: 'Q8_0',
      hasChatTemplate: true,
      sizeBytes: nano.length,
      memory: { fits: 'yes' },
    })
    expect(info.parameters).toBeGreaterThan(100_000)
    expect(info.contextTokens).toBeGreaterThanOrEqual(128)
  })

  it('speaks of what a file holds, not of its name', async () => {
    const told = await inspectModel(file('bad.gguf', '<!doctype html>'.repeat(50)), {}, estimateMemory).catch(String)
    expect(told).toMatch(/bad\.gguf holds no GGUF model: its first bytes are not "GGUF"/)
    expect(told).not.toMatch(/ends in|name ends/)
  })

  it('names what is wrong with a file that is no model', async () => {
    expect(await codeOf(file('empty.gguf', ''))).toBe('MODEL_EMPTY')
    expect(await codeOf(file('text.gguf', 'This is a note, not a model.\n'.repeat(50)))).toBe('MODEL_NOT_GGUF')
    expect(await codeOf(file('tiny.gguf', 'GG'))).toBe('MODEL_NOT_GGUF')
    expect(await codeOf(file('magic.gguf', Buffer.concat([Buffer.from('GGML'), nano.subarray(4)])))).toBe(
      'MODEL_NOT_GGUF',
    )
    expect(await codeOf(join(tempDir(), 'missing.gguf'))).toBe('MODEL_UNREADABLE')
    const folder = join(tempDir(), 'folder.gguf')
    mkdirSync(folder)
    expect(await codeOf(folder)).toBe('MODEL_UNREADABLE')
    expect(await codeOf(file('old.gguf', header(1, 0n, 0n)))).toBe('MODEL_UNSUPPORTED')
  })

  it.skipIf(process.getuid?.() === 0)('says when permission is missing', async () => {
    const path = file('secret.gguf', nano)
    chmodSync(path, 0)
    expect(await codeOf(path)).toBe('MODEL_UNREADABLE')
  })

  it('finds every truncation, inside the header and inside the weights (the library takes them for whole)', async () => {
    for (const length of [4, 20, 100, 5_000, 25_000, 28_000, Math.floor(nano.length / 2), nano.length - 1])
      expect(await codeOf(file(`cut-${length}.gguf`, nano.subarray(0, length)))).toBe('MODEL_TRUNCATED')
    const path = file('cut.gguf', nano.subarray(0, nano.length - 400))
    const error = (await inspectModel(path, {}, estimateMemory).catch((caught: unknown) => caught)) as StokerError
    expect(error.data).toMatchObject({ haveBytes: nano.length - 400 })
    expect(error.message).toContain(`needs ${String(error.data['needBytes'])}`)
    expect(Number(error.data['needBytes'])).toBeLessThanOrEqual(nano.length)
  })

  it('refuses impossible counts at once (a hostile header that fills the memory)', async () => {
    expect(await codeOf(file('keys.gguf', header(3, 1n, 2n ** 63n)))).toBe('MODEL_UNSUPPORTED')
    expect(await codeOf(file('tensors.gguf', header(3, 2n ** 40n, 1n)))).toBe('MODEL_UNSUPPORTED')
    expect(await codeOf(file('cut-keys.gguf', header(3, 1n, 60_000n)))).toBe('MODEL_TRUNCATED')
  })

  it('refuses an architecture the engine does not know', async () => {
    const changed = Buffer.from(nano.toString('latin1').replaceAll('llama', 'lemma'), 'latin1')
    expect(await codeOf(file('lemma.gguf', changed))).toBe('MODEL_UNSUPPORTED')
  })

  it('says too big when the settings need more than the machine has', async () => {
    expect(await codeOf(NANO, { contextTokens: 1_048_576, slots: 64 })).toBe('MODEL_TOO_BIG')
  })

  it('knows the block sizes of the library it runs on (a new library that changes them)', async () => {
    const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true })
    const bindings = (
      llama as unknown as {
        _bindings: {
          getTypeSizeForGgmlType(type: number): number | undefined
          getBlockSizeForGgmlType(type: number): number | undefined
        }
      }
    )._bindings
    for (let type = 0; type < 48; type += 1) {
      if (tensorBytes(type, 256) === null) continue
      const bytes = bindings.getTypeSizeForGgmlType(type)
      const elements = bindings.getBlockSizeForGgmlType(type)
      expect({ type, bytes: tensorBytes(type, 256 * 3) }).toEqual({
        type,
        bytes: ((256 * 3) / Number(elements)) * Number(bytes),
      })
    }
  })
})
