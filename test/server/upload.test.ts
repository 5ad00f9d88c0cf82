import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ReadableStream } from 'node:stream/web'

import { describe, expect, it } from 'vitest'

import { createUploads, safeModelName } from '#server/upload.ts'
import { countingIds } from '#test/support/counting-ids.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const bodyOf = (...chunks: string[]): ReadableStream<Uint8Array> =>
  ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk)))

describe('model uploads', () => {
  it.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\models\\a.gguf', 'a.gguf'],
    ['.hidden', 'hidden'],
    ['', 'model.gguf'],
    ['..', 'model.gguf'],
    ['a b\0c.gguf', 'a-b-c.gguf'],
  ])('takes no path from the name %j', (name, safe) => {
    expect(safeModelName(name)).toBe(safe)
  })

  it('stores the bytes and never replaces another file', async () => {
    const dir = tempDir()
    const uploads = createUploads(dir, countingIds())
    const first = await uploads.store('m.gguf', bodyOf('one'), null)
    const second = await uploads.store('m.gguf', bodyOf('tw', 'o'), null)
    expect([readFileSync(first.path, 'utf8'), readFileSync(second.path, 'utf8')]).toEqual(['one', 'two'])
    expect(readdirSync(join(dir, 'models')).toSorted()).toEqual(['m-2.gguf', 'm.gguf'])
  })

  it('refuses what is too large by its declaration, and by its bytes when the declaration lied, keeping nothing', async () => {
    const dir = tempDir()
    const uploads = createUploads(dir, countingIds(), 4)
    await expect(uploads.store('m.gguf', bodyOf('12345'), 5)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    await expect(uploads.store('m.gguf', bodyOf('123', '45'), 3)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(readdirSync(join(dir, 'models'))).toEqual([])
  })

  it('keeps nothing of an upload that broke off', async () => {
    const dir = tempDir()
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(10))
        controller.error(new Error('gone'))
      },
    })
    await expect(createUploads(dir, countingIds()).store('m.gguf', broken, null)).rejects.toMatchObject({
      code: 'CANCELLED',
    })
    expect(readdirSync(join(dir, 'models'))).toEqual([])
  })

  it('removes the parts that a killed process left, and leaves models alone', () => {
    const dir = tempDir()
    mkdirSync(join(dir, 'models'))
    writeFileSync(join(dir, 'models', '.upload-x'), 'part')
    writeFileSync(join(dir, 'models', 'm.gguf'), 'model')
    createUploads(dir, countingIds())
    expect([existsSync(join(dir, 'models', '.upload-x')), existsSync(join(dir, 'models', 'm.gguf'))]).toEqual([
      false,
      true,
    ])
  })
})
