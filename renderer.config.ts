/** How the screens are built: one description for the desktop build, for `npm run dev` and for the workshop. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { promisify } from 'node:util'

import react from '@vitejs/plugin-react'
import type { Plugin, UserConfig } from 'vite'

const at = (path: string) => resolve(import.meta.dirname, path)

/** Fonts and pictures are compressed already. */
const COMPRESSIBLE = /\.(js|css|html|svg)$/

/**
 * Writes `x.js.br` and `x.js.gz` beside each text of the build, so that the server compresses nothing while it sells.
 * Electron reads the plain files.
 */
function precompress(folder: string): Plugin {
  const pack = async (file: string): Promise<void> => {
    const bytes = await readFile(file)
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
    const [br, gz] = await Promise.all([
      promisify(brotliCompress)(bytes, { params }),
      promisify(gzip)(bytes, { level: 9 }),
    ])
    await Promise.all([writeFile(`${file}.br`, br), writeFile(`${file}.gz`, gz)])
  }
  return {
    name: 'stoker-precompress',
    apply: 'build',
    async writeBundle() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      const texts = entries.filter((entry) => entry.isFile() && COMPRESSIBLE.test(entry.name))
      await Promise.all(texts.map((entry) => pack(join(entry.parentPath, entry.name))))
    },
  }
}

export const rendererConfig = {
  root: at('src-renderer'),
  base: './',
  plugins: [react(), precompress(at('out/renderer'))],
  build: {
    outDir: at('out/renderer'),
    emptyOutDir: true,
    // electron-vite leaves it out: its pages come from a disk. Ours come over a network too.
    minify: true,
    cssMinify: true,
    rollupOptions: {
      input: at('src-renderer/index.html'),
      output: {
        // Small parts that screens share come as one file, not as a dozen; each file costs a way there and back.
        codeSplitting: {
          groups: [
            {
              name: 'shared',
              test: /src-renderer\/(ui\/(?!.*(chart|virtual))|connection|core-client)|src-main\/(contract|words)|@mantine\/core|@tanstack\/react-router|@tanstack\/router-core/,
              minShareCount: 2,
            },
          ],
        },
      },
    },
  },
} satisfies UserConfig
