/** Vite plugin: `/` is the index of the workshop, `/parts` the shared parts alone. */
import { join } from 'node:path'

import type { Plugin } from 'vite'

import { ROOT } from '../dev/page-server.ts'

const PAGES: ReadonlyMap<string, { title: string; entry: string }> = new Map([
  ['/', { title: 'Workshop · Stoker', entry: 'workshop-page.tsx' }],
  ['/parts', { title: 'Parts · Stoker', entry: 'parts-page.tsx' }],
])

const html = (title: string, entry: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title}</title>
    <link rel="icon" href="/flame.svg" type="image/svg+xml" />
  </head>
  <body>
    <div id="root"></div>
    <script type="module" src="/@fs/${join(ROOT, 'tools/workshop', entry).replaceAll('\\', '/').replace(/^\//, '')}"></script>
  </body>
</html>
`

export const workshopPages = (): Plugin => ({
  name: 'stoker-workshop-pages',
  configureServer(vite) {
    vite.middlewares.use((request, response, next) => {
      const url = request.url ?? '/'
      const page = PAGES.get(url.split('?', 1)[0] ?? '/')
      if (page === undefined) return next()
      vite
        .transformIndexHtml(url, html(page.title, page.entry))
        .then(
          (text) =>
            response
              .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
              .end(text),
          next,
        )
    })
  },
})
