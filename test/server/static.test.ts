import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { fileFor, serveStatic } from '#server/static-files.ts'
import { tempDir } from '#test/support/temp-dir.ts'

function site(): { root: string; outside: string } {
  const dir = tempDir()
  const root = join(dir, 'renderer')
  mkdirSync(join(root, 'assets'), { recursive: true })
  writeFileSync(join(root, 'index.html'), '<html>')
  writeFileSync(join(root, 'assets', 'index-AbCd1234.js'), 'x')
  writeFileSync(join(root, '.hidden'), 'secret')
  const outside = join(dir, 'api-token')
  writeFileSync(outside, 'secret')
  symlinkSync(outside, join(root, 'link.txt'))
  mkdirSync(join(dir, 'renderer-other'))
  writeFileSync(join(dir, 'renderer-other', 'a.txt'), 'secret')
  return { root, outside }
}

describe('static files', () => {
  it.each([
    '/../api-token',
    '/..%2fapi-token',
    '/%2e%2e/api-token',
    '/assets/../../api-token',
    '/..\\api-token',
    '/.hidden',
    '/link.txt',
    '/a\0.txt',
    '/%',
    '/../renderer-other/a.txt',
    '//etc/passwd',
    '/assets',
  ])('never leaves its folder by %s', async (path) => {
    expect(await fileFor(site().root, path)).toBeNull()
  })

  it('keeps hashed assets for ever and asks again for the page', async () => {
    const { root } = site()
    const [page, asset] = [await serveStatic(root, '/'), await serveStatic(root, '/assets/index-AbCd1234.js')]
    expect([page.headers.get('cache-control'), page.headers.get('content-type')]).toEqual([
      'no-cache',
      'text/html; charset=utf-8',
    ])
    expect([asset.headers.get('cache-control'), asset.headers.get('content-type')]).toEqual([
      'public, max-age=31536000, immutable',
      'text/javascript; charset=utf-8',
    ])
  })

  describe('compressed by the build', () => {
    const asset = '/assets/index-AbCd1234.js'
    function packed(): string {
      const { root } = site()
      writeFileSync(join(root, `${asset}.br`), 'brotli')
      writeFileSync(join(root, `${asset}.gz`), 'gzip')
      return root
    }
    it.each([
      ['gzip, deflate, br, zstd', 'br', 'brotli'],
      ['gzip, deflate', 'gzip', 'gzip'],
      ['br;q=0, gzip;q=0.5', 'gzip', 'gzip'],
      ['BR', 'br', 'brotli'],
      ['brotli', null, 'x'],
      ['identity', null, 'x'],
      ['', null, 'x'],
    ])('to who accepts "%s" goes %s, with the type of the file itself', async (acceptEncoding, encoding, text) => {
      const answer = await serveStatic(packed(), asset, { acceptEncoding })
      expect([answer.headers.get('content-encoding'), await answer.text()]).toEqual([encoding, text])
      expect([answer.headers.get('content-type'), answer.headers.get('vary')]).toEqual([
        'text/javascript; charset=utf-8',
        'accept-encoding',
      ])
    })

    it('sends the file itself where the build wrote nothing beside it', async () => {
      const answer = await serveStatic(packed(), '/', { acceptEncoding: 'br, gzip' })
      expect([answer.headers.get('content-encoding'), await answer.text()]).toEqual([null, '<html>'])
    })
  })

  it('answers 304 to who has these very bytes, and 200 once they are others', async () => {
    const { root } = site()
    const etag = (await serveStatic(root, '/')).headers.get('etag') ?? ''
    const ask = (ifNoneMatch: string) => serveStatic(root, '/', { ifNoneMatch })
    const known = await ask(`"other", W/${etag}`)
    expect([known.status, await known.text(), known.headers.get('cache-control'), known.headers.get('etag')]).toEqual([
      304,
      '',
      'no-cache',
      etag,
    ])
    writeFileSync(join(root, 'index.html'), '<html lang="en">')
    expect((await ask(etag)).status).toBe(200)
  })

  it('says what to run when nothing is built', async () => {
    const response = await serveStatic(join(tempDir(), 'nothing'), '/')
    expect([response.status, (await response.text()).includes('npm run build')]).toEqual([503, true])
  })
})
