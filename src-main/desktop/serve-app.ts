/**
 * Answers app://stoker/… with a file below the renderer's folder, and nothing outside it. Every answer carries the
 * content security policy.
 */
import { readFile } from 'node:fs/promises'
import { extname, join, normalize, sep } from 'node:path'

import { CONTENT_SECURITY_POLICY } from './security.ts'

/** Null for another host, an undecodable path, or one that leaves `root`. */
export function fileOf(root: string, url: string): string | null {
  try {
    const { host, pathname } = new URL(url)
    if (host !== 'stoker') return null
    const file = normalize(join(root, decodeURIComponent(pathname)))
    return file.startsWith(normalize(root) + sep) && !file.includes('\0') ? file : null
  } catch {
    return null
  }
}

/** What the build makes; a module script of another type would be refused by the page. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
}

/** The file with its type, else 404; only GET is answered. */
export async function answerApp(root: string, request: { method: string; url: string }): Promise<Response> {
  const headers = {
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  }
  const refuse = (status: number): Response => new Response(null, { status, headers })
  if (request.method !== 'GET') return refuse(405)
  const file = fileOf(root, request.url)
  const type = file === null ? undefined : TYPES[extname(file)]
  if (file === null || type === undefined) return refuse(404)
  try {
    return new Response(await readFile(file), { headers: { ...headers, 'content-type': type } })
  } catch {
    return refuse(404)
  }
}
