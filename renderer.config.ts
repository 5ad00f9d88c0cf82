/** How the screens are built: one description for the desktop build, for `npm run dev` and for the workshop. */
import { resolve } from 'node:path'

import react from '@vitejs/plugin-react'
import type { UserConfig } from 'vite'

const at = (path: string) => resolve(import.meta.dirname, path)

export const rendererConfig = {
  root: at('src-renderer'),
  base: './',
  plugins: [react()],
  build: { outDir: at('out/renderer'), emptyOutDir: true, rollupOptions: { input: at('src-renderer/index.html') } },
} satisfies UserConfig
