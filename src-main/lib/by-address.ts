/** Bounds by the address that a socket comes from, so that one stranger cannot take what is there for all. */
import { Bucket } from './bucket.ts'

/** Addresses with a bucket at once; beyond it those that have been quiet are forgotten first. */
const ADDRESSES_MAX = 4_096

/**
 * IPv6 by its first half, since a network hands out as many of the second as anybody likes; IPv4 in IPv6 as IPv4.
 */
export function addressKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped !== null) return mapped[1]!
  if (!address.includes(':')) return address
  const [head = '', tail] = address.toLowerCase().split('%')[0]!.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  return [...left, ...Array.from({ length: missing }, () => '0'), ...right].slice(0, 4).join(':')
}

/** How many there are of each address, up to a bound. */
export class AddressCounts {
  readonly #max: number
  readonly #counts = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  /** Counts one more; the returned function takes it back, once. Null when the address has its share. */
  enter(address: string): (() => void) | null {
    const key = addressKey(address)
    const before = this.#counts.get(key) ?? 0
    if (before >= this.#max) return null
    this.#counts.set(key, before + 1)
    let counted = true
    return () => {
      if (!counted) return
      counted = false
      const left = (this.#counts.get(key) ?? 1) - 1
      if (left > 0) this.#counts.set(key, left)
      else this.#counts.delete(key)
    }
  }
}

interface Pending {
  readonly key: string
  readonly drop: () => void
}

/**
 * Places for what has not proved yet who it is. A new one always gets a place: the oldest of its own address goes when
 * that has its share, else the oldest of the address that has the most. So silent sockets lock out nobody.
 */
export class PendingSlots {
  readonly #perAddress: number
  readonly #inAll: number
  /** In the order they came. */
  readonly #pending = new Set<Pending>()

  constructor(perAddress: number, inAll: number) {
    this.#perAddress = perAddress
    this.#inAll = inAll
  }

  /** `drop` ends one that has to make room; the returned function says that this one is over, once or more. */
  begin(address: string, drop: () => void): () => void {
    const key = addressKey(address)
    const mine = this.#of(key)
    if (mine.length >= this.#perAddress) this.#end(mine[0]!)
    else if (this.#pending.size >= this.#inAll) this.#end(this.#of(this.#fullest())[0]!)
    const pending = { key, drop }
    this.#pending.add(pending)
    return () => void this.#pending.delete(pending)
  }

  #of(key: string): Pending[] {
    return [...this.#pending].filter((one) => one.key === key)
  }

  #fullest(): string {
    const counts = new Map<string, number>()
    for (const { key } of this.#pending) counts.set(key, (counts.get(key) ?? 0) + 1)
    return [...counts].toSorted(([, a], [, b]) => b - a)[0]![0]
  }

  #end(pending: Pending): void {
    this.#pending.delete(pending)
    pending.drop()
  }
}

/** A bucket for each address: `burst` at once, then `perSecond`. */
export class AddressBuckets {
  readonly #burst: number
  readonly #perSecond: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(burst: number, perSecond: number) {
    this.#burst = burst
    this.#perSecond = perSecond
  }

  take(address: string, mono: number): boolean {
    const key = addressKey(address)
    const known = this.#buckets.get(key)
    if (known !== undefined) return known.take(mono)
    if (this.#buckets.size >= ADDRESSES_MAX) this.#forget(mono)
    const bucket = new Bucket(this.#burst, this.#perSecond, mono)
    this.#buckets.set(key, bucket)
    return bucket.take(mono)
  }

  /** All that owe nothing; the oldest where there are none. */
  #forget(mono: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(mono)) this.#buckets.delete(key)
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size >= ADDRESSES_MAX && oldest !== undefined) this.#buckets.delete(oldest)
  }
}
