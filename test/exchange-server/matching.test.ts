import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { nanoPerMtok, onePrice, type Price } from '#contract/money.ts'
import { brandId, type PublicKey } from '#contract/ids.ts'
import { LIMITS } from '#exchange-server/exchange-limits.ts'
import { Peer } from '#exchange-server/supply/peer.ts'
import { Link } from '#exchange-server/supply/reliable-link.ts'
import { match, type MatchableOffer } from '#exchange-server/supply/matching.ts'
import { Bucket } from '#lib/bucket.ts'

const one = (price: number): Price => onePrice(nanoPerMtok(price))
const offer = (more: Partial<MatchableOffer>): MatchableOffer => ({
  supplier: 'a',
  ask: one(10),
  order: 1,
  freeSlots: 1,
  contextTokens: 100,
  maxOutputTokens: 50,
  ...more,
})
const wanted = { inputTokens: 10, maxTokens: 10, tried: new Set<string>(), maxPrice: nanoPerMtok(100) }

describe('price-time priority', () => {
  it('takes the lowest ask, then the oldest offer, and passes over the busy, the small, the dear and the tried', () => {
    const offers = [
      offer({ supplier: 'busy', ask: one(1), freeSlots: 0 }),
      offer({ supplier: 'small', ask: one(2), contextTokens: 19 }),
      offer({ supplier: 'short', ask: one(2), maxOutputTokens: 9 }),
      offer({ supplier: 'tried', ask: one(3) }),
      offer({ supplier: 'late', ask: one(5), order: 9 }),
      offer({ supplier: 'first', ask: one(5), order: 4 }),
      offer({ supplier: 'dear', ask: one(101), order: 0 }),
    ]
    expect(match(offers, { ...wanted, tried: new Set(['tried']) })?.supplier).toBe('first')
    expect(match([offers[0]!, offers[6]!], wanted)).toBeNull()
  })

  it('compares asks of three prices by what the order costs, and bars each of them by the cap', () => {
    const reads = offer({ supplier: 'reads', ask: { ...one(1), output: nanoPerMtok(90) } })
    const writes = offer({ supplier: 'writes', ask: { ...one(40), output: nanoPerMtok(20) } })
    const who = (inputTokens: number, maxTokens: number): string | undefined =>
      match([reads, writes], { ...wanted, inputTokens, maxTokens })?.supplier
    // 50 × 1 + 10 × 90 against 50 × 40 + 10 × 20, and the other way round.
    expect([who(50, 10), who(10, 50)]).toEqual(['reads', 'writes'])
    for (const part of ['input', 'cachedInput', 'output'] as const)
      expect(match([offer({ ask: { ...one(1), [part]: nanoPerMtok(101) } })], wanted)).toBeNull()
  })

  it('never prefers a dearer or younger offer that could serve no better', () => {
    const any = fc.record({
      supplier: fc.string(),
      ask: fc.nat(5).map(one),
      order: fc.nat(50),
      freeSlots: fc.nat(1),
      contextTokens: fc.constantFrom(10, 100),
      maxOutputTokens: fc.constant(50),
    })
    fc.assert(
      fc.property(fc.array(any), (offers) => {
        const best = match(offers, wanted)
        const able = offers.filter((one) => one.freeSlots > 0 && one.contextTokens >= 20)
        expect(best === null).toBe(able.length === 0)
        for (const other of able)
          expect(
            best!.ask.output < other.ask.output ||
              (best!.ask.output === other.ask.output && best!.order <= other.order),
          ).toBe(true)
      }),
    )
  })
})

describe('the reliable link', () => {
  it('delivers every frame once and in order, whatever was lost or repeated before each resume', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('send', 'lose', 'repeat', 'resume'), { maxLength: 60 }), (events) => {
        const [from, to] = [new Link(), new Link()]
        let [sent, up] = [0, true]
        const arrived: number[] = []
        const take = (wrapped: string): void => {
          const received = to.accept(JSON.parse(wrapped))
          if (received.kind === 'frame') arrived.push((received.frame as { n: number }).n)
          expect(received.kind).not.toBe('broken')
        }
        for (const event of [...events, 'resume']) {
          if (event === 'resume') {
            up = true
            for (const wrapped of from.resumeFrom(to.received)!) take(wrapped)
          } else {
            sent += 1
            const wrapped = from.wrap({ t: 'pong', n: sent, time: 0 })!
            // On one socket nothing after a lost frame arrives: the line is down until a resume.
            if (event === 'lose') up = false
            if (up) take(wrapped)
            if (up && event === 'repeat') take(wrapped)
          }
          if (up && from.accept(JSON.parse(to.acknowledge())).kind !== 'nothing')
            throw new Error('an acknowledgement was refused')
        }
        expect(arrived).toEqual(Array.from({ length: sent }, (_, at) => at + 1))
        expect(from.pending).toBe(0)
      }),
    )
  })

  it('refuses a gap, an acknowledgement of what was never sent, and a resume from the future or the forgotten past', () => {
    const link = new Link()
    expect(link.accept({ seq: 2, ack: 0, frame: {} }).kind).toBe('broken')
    expect(link.accept({ seq: 1, ack: 1, frame: {} }).kind).toBe('broken')
    link.wrap({ t: 'pong', n: 1, time: 0 })
    link.wrap({ t: 'pong', n: 2, time: 0 })
    expect(link.accept({ seq: 0, ack: 1 }).kind).toBe('nothing')
    expect(link.resumeFrom(3)).toBeNull()
    expect(link.resumeFrom(0)).toBeNull()
    expect(link.resumeFrom(1)).toHaveLength(1)
  })

  it('gives the session up when 4,096 frames are unacknowledged', () => {
    const link = new Link()
    for (let n = 0; n < 4_096; n += 1) expect(link.wrap({ t: 'pong', n, time: 0 })).not.toBeNull()
    expect(link.wrap({ t: 'pong', n: 0, time: 0 })).toBeNull()
  })
})

describe('bytes that nobody acknowledged', () => {
  it('a session holds so many and no more, in UTF-8; what is acknowledged is free again', () => {
    const link = new Link(200)
    const notice = (text: string) => ({ t: 'notice', level: 'info', text }) as const
    expect(link.wrap(notice('x'.repeat(100)))).not.toBeNull()
    // 40 characters, 120 bytes.
    expect(link.wrap(notice('✓'.repeat(40)))).toBeNull()
    expect(link.sent).toBe(1)
    link.accept({ seq: 0, ack: 1 })
    expect([link.keptBytes, link.acknowledged]).toEqual([0, 1])
    expect(link.wrap(notice('✓'.repeat(40)))).not.toBeNull()
  })

  it('a session is given up where the window ends that its welcome says', () => {
    const broken: string[] = []
    const wire = { send: () => undefined, close: () => undefined, bufferedBytes: 0 }
    const of = { protocol: 2, session: 's', supplier: brandId<PublicKey>('k'), name: 'n', wire, mono: 0 } as const
    const peer = new Peer({ ...of, onBroken: (reason) => broken.push(reason) })
    const text = 'x'.repeat(65_536)
    const frame = { t: 'notice', level: 'info', text } as const
    while (broken.length === 0) peer.send(frame)
    const { windowBytes } = LIMITS
    expect(peer.heldBytes).toBeLessThanOrEqual(windowBytes)
    expect(peer.heldBytes + JSON.stringify(frame).length).toBeGreaterThan(windowBytes)
  })
})

describe('the bucket', () => {
  it('lets a burst through, then the rate, and never saves up more than the burst', () => {
    const bucket = new Bucket(3, 10, 0)
    expect([0, 0, 0, 0].map((at) => bucket.take(at))).toEqual([true, true, true, false])
    expect(bucket.take(100)).toBe(true)
    expect(bucket.take(100)).toBe(false)
    expect([9_000, 9_000, 9_000, 9_000].map((at) => bucket.take(at))).toEqual([true, true, true, false])
  })
})
