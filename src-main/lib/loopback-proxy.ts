/**
 * This machine is never asked through a proxy: with NODE_USE_ENV_PROXY or --use-env-proxy Node's fetch takes the proxy
 * variables for every address that NO_PROXY does not name, 127.0.0.1 among them, and the console, the exchange and
 * servers beside us would be out of reach.
 */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]', '::1']

/** Adds this machine's names to NO_PROXY. Read by Node at each request, so it may be called late; children inherit it. */
export function neverProxyLoopback(env: NodeJS.ProcessEnv = process.env): void {
  // The lower-case name counts first where both are set.
  const before = (env['no_proxy'] ?? env['NO_PROXY'] ?? '').split(/[\s,]+/).filter((name) => name !== '')
  const names = [...new Set([...before, ...LOOPBACK])].join(',')
  env['no_proxy'] = names
  env['NO_PROXY'] = names
}
