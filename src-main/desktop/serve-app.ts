/** Maps app://stoker/… to a file below the renderer's folder, and nothing outside it. */
import { join, normalize, sep } from 'node:path'

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
