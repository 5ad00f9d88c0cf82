/** What the window may load and where it may go, after Electron's security checklist. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { describe, expect, it } from 'vitest'

import { APP_URL, CONTENT_SECURITY_POLICY, lockDown, mayLoad } from '#desktop/security.ts'
import { answerApp, fileOf } from '#desktop/serve-app.ts'

import { tempDir } from '../support/temp-dir.ts'

describe('app://stoker', () => {
  it.each([
    ['app://stoker/index.html', '/app/renderer/index.html'],
    ['app://stoker/assets/a.js?x=1', '/app/renderer/assets/a.js'],
    ['app://other/index.html', null],
    ['app://stoker/%2e%2e/%2e%2e/etc/passwd', null],
    ['app://stoker/..%2f..%2fetc/passwd', null],
    ['app://stoker/%00', null],
    ['app://stoker/%', null],
  ])('%s → %s', (url, file) => {
    const found = fileOf('/app/renderer', url)
    if (file === null && found !== null) expect(found.startsWith('/app/renderer/')).toBe(true)
    else expect(found).toBe(file)
  })

  it('answers a file with its type and the policy, and everything else with a refusal that carries the policy too', async () => {
    const root = join(tempDir(), 'renderer')
    mkdirSync(root)
    writeFileSync(join(root, 'index.html'), '<p>hello</p>')
    writeFileSync(join(root, 'notes.exe'), 'x')
    writeFileSync(join(root, '..', 'secret.json'), '{}')
    const ask = async (path: string, method = 'GET') => {
      const answer = await answerApp(root, { method, url: `app://stoker/${path}` })
      expect(answer.headers.get('content-security-policy')).toBe(CONTENT_SECURITY_POLICY)
      return [answer.status, answer.headers.get('content-type'), await answer.text()]
    }
    expect(await ask('index.html')).toEqual([200, 'text/html; charset=utf-8', '<p>hello</p>'])
    expect(await ask('missing.js')).toEqual([404, null, ''])
    expect(await ask('notes.exe')).toEqual([404, null, ''])
    expect(await ask('..%2fsecret.json')).toEqual([404, null, ''])
    expect(await ask('index.html', 'POST')).toEqual([405, null, ''])
  })

  const root = resolve(import.meta.dirname, '../../out/renderer')
  it.skipIf(!existsSync(join(root, 'index.html')))(
    'serves every file the built page names, and the page has no script of its own that the policy would refuse',
    async () => {
      const html = readFileSync(join(root, 'index.html'), 'utf8')
      expect(html).not.toMatch(/<script(?![^>]*\ssrc=)/)
      for (const [, path] of html.matchAll(/(?:src|href)="\.\/([^"]+)"/g))
        expect((await answerApp(root, { method: 'GET', url: `app://stoker/${path!}` })).status).toBe(200)
    },
  )
})

describe('what the window may do', () => {
  it.each([
    ['app://stoker/assets/a.js', true],
    ['blob:app://stoker/1-2-3', true],
    ['data:image/png;base64,AA', true],
    ['app://stoker.example/', false],
    ['app://other/index.html', false],
    ['blob:https://example.org/1', false],
    ['https://example.org/', false],
    ['http://127.0.0.1:1/', false],
    ['file:///etc/passwd', false],
    ['ws://127.0.0.1:1/', false],
    ['devtools://devtools/bundled/x.html', false],
  ])('packaged: loads %s: %s', (url, allowed) => {
    expect(mayLoad(url, true)).toBe(allowed)
  })

  it('opens the developer tools in a build that is not packaged only', () => {
    expect(mayLoad('devtools://devtools/bundled/x.html', false)).toBe(true)
  })

  it('lets the page reload itself and go nowhere else, in no frame, with no webview and no window', () => {
    const listeners = new Map<string, (event: { url: string; isMainFrame: boolean; preventDefault(): void }) => void>()
    let action = ''
    lockDown({
      on: (event: string, listener: never) => listeners.set(event, listener),
      setWindowOpenHandler: (handler) => (action = handler().action),
      postMessage: () => undefined,
      reload: () => undefined,
    })
    const held = (event: string, url: string, isMainFrame = true): boolean => {
      let prevented = false
      listeners.get(event)!({ url, isMainFrame, preventDefault: () => (prevented = true) })
      return prevented
    }
    expect([held('will-navigate', `${APP_URL}#/jobs`), held('will-frame-navigate', APP_URL), action]).toEqual([
      false,
      false,
      'deny',
    ])
    const refused = [
      held('will-navigate', 'https://example.org/'),
      held('will-navigate', 'app://stoker/other.html'),
      held('will-navigate', 'file:///etc/passwd'),
      held('will-frame-navigate', APP_URL, false),
      held('will-frame-navigate', 'https://example.org/', false),
      held('will-redirect', APP_URL),
      held('will-attach-webview', APP_URL),
    ]
    expect(refused).toEqual(refused.map(() => true))
  })
})
