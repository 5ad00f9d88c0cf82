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

  it('says what to run when nothing is built', async () => {
    const response = await serveStatic(join(tempDir(), 'nothing'), '/')
    expect([response.status, (await response.text()).includes('npm run build')]).toEqual([503, true])
  })
})
