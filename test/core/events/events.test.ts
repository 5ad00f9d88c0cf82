import { describe, it, expect } from 'vitest'

import { createEvents, SUBSCRIBERS_MAX } from '#core/events/index.ts'

describe('the topic bus', () => {
  it('tells a late subscriber every version at once, then joins changes a slow reader missed', async () => {
    const events = createEvents()
    events.changed('jobs')
    const stream = events.subscribe(undefined)
    expect((await stream.next()).value).toEqual({ topic: 'jobs', venueId: null, version: 1 })
    for (let n = 0; n < 1_000; n += 1) events.changed('earnings')
    expect((await stream.next()).value).toEqual({ topic: 'earnings', venueId: null, version: 1_000 })
    const waiting = stream.next()
    events.changed('jobs')
    expect((await waiting).value).toEqual({ topic: 'jobs', venueId: null, version: 2 })
  })

  it('ends with its signal while waiting, and frees the place', async () => {
    const events = createEvents()
    for (let n = 0; n < SUBSCRIBERS_MAX + 10; n += 1) {
      const stop = new AbortController()
      const waiting = events.subscribe(stop.signal).next()
      stop.abort()
      expect((await waiting).done).toBe(true)
    }
  })

  it('refuses more subscribers than its bound', () => {
    const events = createEvents()
    for (let n = 0; n < SUBSCRIBERS_MAX; n += 1) events.subscribe(undefined)
    expect(() => events.subscribe(undefined)).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
  })
})
