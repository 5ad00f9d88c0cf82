/** Serves the built renderer: a fixed folder, normalised paths, known types, hashed assets for ever. */
import { createHash } from 'node:crypto'
import { readFile, realpath, stat } from 'node:fs/promises'
import { extname, join, normalize, sep } from 'node:path'

/** No built file comes near this. */
const FILE_BYTES_MAX = 33_554_432

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
}

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Stoker</title><body><h1>Stoker is running, its screens are not built</h1><p>Run <code>npm run build</code> in the checkout and reload this page.</p></body></html>`

const plain = (status: number, text: string): Response =>
  new Response(text, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } })

/**
 * The file a URL path names below `root`, or null when it names none: encoded tricks, dot segments, links out of the
 * folder and hidden files included.
 */
export async function fileFor(root: string, urlPath: string): Promise<string | null> {
  let path: string
  try {
    path = decodeURIComponent(urlPath)
  } catch {
    return null
  }
  if (path.includes('\0') || path.includes('\\') || path.length > 1_024) return null
  const parts = normalize(path).split(/[/\\]/)
  if (parts.some((part) => part.startsWith('.'))) return null
  const file = join(root, path === '/' ? 'index.html' : normalize(path))
  try {
    const [real, realRoot] = await Promise.all([realpath(file), realpath(root)])
    if (!real.startsWith(realRoot + sep)) return null
    const { size } = await stat(real)
    return (await stat(real)).isFile() && size <= FILE_BYTES_MAX ? real : null
  } catch {
    return null
  }
}

/** Vite's output names carry eight or more characters of hash before the extension. */
const isHashed = (path: string): boolean => /\/assets\/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/.test(path)

/** What a browser sent that decides how a file goes out. */
export interface AskedHow {
  readonly acceptEncoding?: string | undefined
  readonly ifNoneMatch?: string | undefined
}

/** Best first: what the build wrote beside its texts (renderer.config.ts). */
const ENCODINGS = [
  { name: 'br', ending: '.br' },
  { name: 'gzip', ending: '.gz' },
] as const

/** True where the header names the encoding and does not refuse it by `q=0`. */
const accepts = (header: string, name: string): boolean =>
  header.split(',').some((part) => {
    const [named, ...params] = part.split(';').map((word) => word.trim().toLowerCase())
    return named === name && !params.some((param) => /^q=0(\.0*)?$/.test(param))
  })

/** The bytes as they go out, with the name of their encoding. */
async function bytesOf(
  file: string,
  acceptEncoding: string,
): Promise<{ bytes: Buffer<ArrayBuffer>; encoding: string | null }> {
  for (const { name, ending } of ENCODINGS) {
    if (!accepts(acceptEncoding, name)) continue
    try {
      return { bytes: await readFile(file + ending), encoding: name }
    } catch {
      // Not every file has one.
    }
  }
  return { bytes: await readFile(file), encoding: null }
}

/**
 * Answers one GET from `root`, compressed as the build left it where the browser takes that; 304 where it has these
 * very bytes. Without a build, `/` says what to run.
 */
export async function serveStatic(
  root: string,
  urlPath: string,
  { acceptEncoding = '', ifNoneMatch = '' }: AskedHow = {},
): Promise<Response> {
  const file = await fileFor(root, urlPath)
  if (file === null) {
    if (urlPath !== '/') return plain(404, 'There is nothing here.')
    return new Response(NOT_BUILT, {
      status: 503,
      headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
    })
  }
  const type = TYPES[extname(file)] ?? 'application/octet-stream'
  const caching = isHashed(urlPath) ? 'public, max-age=31536000, immutable' : 'no-cache'
  const { bytes, encoding } = await bytesOf(file, acceptEncoding)
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  const headers = {
    'content-type': type,
    'cache-control': caching,
    etag,
    vary: 'accept-encoding',
    ...(encoding === null ? {} : { 'content-encoding': encoding }),
  }
  const isKnown = ifNoneMatch.split(',').some((known) => known.trim().replace(/^W\//, '') === etag)
  return isKnown ? new Response(null, { status: 304, headers }) : new Response(bytes, { headers })
}
