/**
 * URLs of an OpenAI-compatible server: a base URL, with or without the `/v1` that clients often write.
 */
import { StokerError } from '#contract/errors.ts'

function parsed(base: string): URL {
  try {
    const url = new URL(base)
    if (
      (url.protocol === 'http:' || url.protocol === 'https:') &&
      url.username === '' &&
      url.password === '' &&
      url.search === '' &&
      url.hash === ''
    )
      return url
  } catch {
    // Said below.
  }
  throw new StokerError(
    'BAD_REQUEST',
    'This is no address of a server. Write it as http://name:port or https://name, without a user, a question mark or a hash; a key goes into its own field.',
  )
}

/** `path` begins with a slash. Error BAD_REQUEST. */
export function addressOf(base: string, path: string): string {
  const { origin, pathname } = parsed(base)
  return `${origin}${pathname.replace(/\/+$/, '').replace(/\/v1$/, '')}${path}`
}

/** Host name and port, as shown to the owner; never more of the URL. */
export const hostOf = (base: string): string => parsed(base).host
