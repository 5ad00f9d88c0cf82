/** Which addresses of an exchange may be spoken to, and by which version's path. */
import { because, type Reason } from '#contract/reasons.ts'
import { SUPPLIER_PATH } from '#contract/supplier.ts'
import { SUPPLIER_PATH_V2, type SupplierProtocol } from '#contract/supplier-v2.ts'
import { isLoopback } from '#lib/host-names.ts'

/** On this machine: loopback, or no network at all (the desktop app's channel). */
export function isLocal(address: string): boolean {
  const { protocol, hostname } = new URL(address)
  return !/^wss?:$/.test(protocol) || isLoopback(hostname.replace(/^\[|\]$/g, ''))
}

/** Why this address is not spoken to: a pinned key does not stop whoever relays plain `ws://`. Null when it is. */
export const addressProblem = (address: string): Reason | null =>
  isLocal(address) || new URL(address).protocol === 'wss:'
    ? null
    : because('line.insecure', { host: new URL(address).host })

/** The address with the path of a version; as it is where the path is somebody's own. */
export function addressFor(address: string, protocol: SupplierProtocol): string {
  const [from, to] = protocol === 1 ? [SUPPLIER_PATH_V2, SUPPLIER_PATH] : [SUPPLIER_PATH, SUPPLIER_PATH_V2]
  return address.endsWith(from) ? address.slice(0, -from.length) + to : address
}
