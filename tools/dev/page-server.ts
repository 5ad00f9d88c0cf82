/** The screens from their sources with hot reload, on this machine only. The dev server knows no build. */
import { realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { createServer, mergeConfig, type InlineConfig, type UserConfig, type ViteDevServer } from 'vite'

import { rendererConfig } from '../../renderer.config.ts'

export const ROOT = resolve(import.meta.dirname, '../..')
/** Where one is taken the next one is tried. */
export const PAGE_PORT = 5_173

export interface PageServer {
  /** `http://127.0.0.1:5173/` */
  readonly url: string
  readonly vite: ViteDevServer
}

/**
 * Listens on 127.0.0.1; port 0 picks a free one. `further` is merged into the configuration of the build. The caller
 * closes `vite`.
 */
export async function startPageServer(use: 'dev' | 'workshop', port: number, further: UserConfig): Promise<PageServer> {
  const own: InlineConfig = {
    configFile: false,
    logLevel: 'warn',
    clearScreen: false,
    // Not inside node_modules: several checkouts may share that folder by a link, and each use prepares its own
    // packages.
    cacheDir: join(ROOT, 'out/.vite', use),
    server: { host: '127.0.0.1', port, fs: { allow: [ROOT, realpathSync(join(ROOT, 'node_modules'))] } },
  }
  const vite = await createServer(mergeConfig(mergeConfig(rendererConfig, own), further))
  await vite.listen()
  const url = vite.resolvedUrls?.local[0]
  if (url === undefined) throw new Error('The dev server listens on no address of this machine.')
  return { url, vite }
}
