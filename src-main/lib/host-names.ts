/** Names and addresses of a listener: which of them it answers to, and which one a person is shown. */
import { hostname, networkInterfaces } from 'node:os'

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)
const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::'

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

/**
 * Names by which a listener at `host` may be addressed, lower case and without port; a wildcard answers to every
 * address of this machine and to its name.
 */
export function allowedNames(host: string, extra: readonly string[] = []): string[] {
  const own = isWildcard(host)
    ? [...Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)), hostname()]
    : [host]
  return [...new Set(['127.0.0.1', 'localhost', '::1', ...extra, ...own].map((name) => bracketed(name).toLowerCase()))]
}

/** The address to open, for a URL: a wildcard listener is reached on this machine by 127.0.0.1. */
export const shownHost = (host: string): string => (isWildcard(host) ? '127.0.0.1' : bracketed(host))
