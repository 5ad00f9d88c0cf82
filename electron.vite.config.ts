/**
 * Builds the desktop entries (shell, core, engine host with its template thread, exchange host, preload) and the renderer. The headless server
 * runs from the sources.
 */
import { resolve } from 'node:path'

import { defineConfig } from 'electron-vite'

import { rendererConfig } from './renderer.config.ts'

const at = (path: string) => resolve(import.meta.dirname, path)
/**
 * Native modules and the engine library stay outside the bundle: they are loaded from node_modules (asar-unpacked when
 * packaged).
 */
const external = ['electron', 'better-sqlite3', 'node-llama-cpp', 'ws', 'systeminformation', 'pino']

export default defineConfig({
  main: {
    build: {
      outDir: 'out/main',
      rollupOptions: {
        external,
        input: {
          shell: at('src-main/desktop/desktop-main.ts'),
          core: at('src-main/desktop/core-host.ts'),
          engine: at('src-main/engine/host/engine-host-entry.ts'),
          'template-worker': at('src-main/engine/host/template/template-worker.ts'),
          sensors: at('src-main/sensors/sensors-entry.ts'),
          exchange: at('src-main/desktop/exchange-host.ts'),
          'db-worker': at('src-main/db/db-worker.ts'),
        },
        output: { format: 'es' },
      },
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      rollupOptions: {
        external: ['electron'],
        input: { preload: at('src-main/desktop/preload.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: rendererConfig,
})
