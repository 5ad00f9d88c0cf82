/**
 * Vite plugin: `/scene/<scene>/<light|dark>/` is the console over a Fake core in that scene. Every load of a page
 * begins its scene afresh. The Fake core is loaded through Vite, so a change of its files, or of the scenes, takes
 * effect without a restart.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'

import type { Plugin, ViteDevServer } from 'vite'
import { WebSocketServer } from 'ws'

import type * as FakeCoreModule from '../../test/support/fake-core.ts'
import { fakeAuth, serveCore } from '../../test/support/fake-session.ts'
import { ROOT } from '../dev/page-server.ts'
import type * as ScenesModule from './scenes.ts'
import type { Scene, Theme } from './scenes.ts'

/** Long enough for every figure of a page to be there before the connection ends. */
const LATER_MS = 3_000
const MESSAGE_BYTES_MAX = 1_048_576
const PATH = /^\/scene\/([a-z-]{1,40})\/(light|dark)(\/[^?]*)/

interface Place {
  readonly key: string
  readonly scene: Scene
  readonly theme: Theme
  /** What is asked for below the scene: `/`, `/auth/state`, `/rpc`. */
  readonly path: string
}

/**
 * Pages of one origin hear what another one stores: a light and a dark page beside each other would switch each other's
 * theme to and fro without end.
 */
const KEEP_THEME = "addEventListener('storage', (event) => event.stopImmediatePropagation(), true)"

async function placeOf(vite: ViteDevServer, url: string | undefined): Promise<Place | null> {
  const [, name = '', theme, path = ''] = PATH.exec(url ?? '') ?? []
  if (theme !== 'light' && theme !== 'dark') return null
  const { SCENES } = (await vite.ssrLoadModule(join(ROOT, 'tools/workshop/scenes.ts'))) as typeof ScenesModule
  const scene = Object.hasOwn(SCENES, name) ? SCENES[name] : undefined
  return scene === undefined ? null : { key: `${name}/${theme}`, scene, theme, path }
}

async function sendPage(vite: ViteDevServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const page = await readFile(join(ROOT, 'src-renderer/index.html'), 'utf8')
  const html = await vite.transformIndexHtml(
    '/index.html',
    page.replace('<head>', `<head><script>${KEEP_THEME}</script>`),
    request.url,
  )
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(html)
}

export function sceneServer(): Plugin {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX })
  /** Scenes whose connection has ended as their `later` says. */
  const ended = new Set<string>()

  async function answer(
    vite: ViteDevServer,
    { key, scene, path }: Place,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (path === '/') {
      ended.delete(key)
      return sendPage(vite, request, response)
    }
    const auth =
      scene.later === 'offline' && ended.has(key) ? { status: 503, body: null } : fakeAuth(path, scene.loggedIn ?? true)
    const { status, body } = auth ?? { status: 404, body: null }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  async function route(
    vite: ViteDevServer,
    request: IncomingMessage,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ): Promise<void> {
    try {
      const place = await placeOf(vite, request.url)
      if (place === null) next()
      else await answer(vite, place, request, response)
    } catch (error) {
      next(error)
    }
  }

  async function connect(vite: ViteDevServer, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const place = await placeOf(vite, request.url)
    if (place === null || place.path !== '/rpc' || (place.scene.later === 'offline' && ended.has(place.key)))
      return void socket.destroy()
    const { key, scene, theme } = place
    const { createFakeCore } = (await vite.ssrLoadModule(
      join(ROOT, 'test/support/fake-core.ts'),
    )) as typeof FakeCoreModule
    sockets.handleUpgrade(request, socket, head, (client) => {
      serveCore(createFakeCore({ ...scene.core, theme, contractHash: ended.has(key) ? 'newer' : 'fake' }), client)
      if (scene.later === undefined || ended.has(key)) return
      const timer = setTimeout(() => {
        ended.add(key)
        client.terminate()
      }, LATER_MS)
      client.once('close', () => clearTimeout(timer))
    })
  }

  return {
    name: 'stoker-scenes',
    configureServer(vite) {
      vite.middlewares.use((request, response, next) => void route(vite, request, response, next))
      vite.httpServer?.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        if (request.url?.startsWith('/scene/') === true)
          void connect(vite, request, socket, head).catch(() => socket.destroy())
      })
      vite.httpServer?.once('close', () => sockets.close())
    },
    /** A change of the Fake core or of the scenes: open pages load anew and meet the new one. */
    hotUpdate({ modules, server }) {
      if (this.environment.name === 'ssr' && modules.length > 0)
        server.environments.client.hot.send({ type: 'full-reload' })
    },
  }
}
