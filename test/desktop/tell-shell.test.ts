/** What the tray shows, and that the stored answer about closing reaches the shell at every start. */
import { describe, expect, it } from 'vitest'

import type { ShellRequest } from '#contract/host.ts'
import { tellShell, trayOf, type WatchedCore } from '#desktop/tell-shell.ts'

type LiveNow = Parameters<typeof trayOf>[0]
const live = (
  change: {
    engine?: string
    exchange?: string
    listing?: string
    running?: number
    tokPerS?: number
    others?: object[]
  } = {},
): LiveNow =>
  ({
    engine: { kind: change.engine ?? 'loaded', model: null, detail: null },
    venues: [{ kind: change.exchange ?? 'online', listing: change.listing ?? 'none' }, ...(change.others ?? [])],
    running: Array.from({ length: change.running ?? 0 }, () => ({})),
    tokPerS: change.tokPerS ?? 0,
  }) as unknown as LiveNow

describe('the tray', () => {
  it.each([
    [live(), 'off', 'not listed'],
    [live({ listing: 'paused' }), 'off', 'paused'],
    [live({ listing: 'listed' }), 'listed', 'listed, waiting for jobs'],
    [live({ listing: 'listed', exchange: 'offline' }), 'attention', 'the exchange cannot be reached'],
    [
      live({ listing: 'listed', exchange: 'offline', others: [{ kind: 'online', listing: 'listed' }] }),
      'listed',
      'listed, waiting for jobs',
    ],
    [live({ others: [{ kind: 'online', listing: 'paused' }] }), 'off', 'paused'],
    [live({ listing: 'listed', running: 1, tokPerS: 41.6 }), 'serving', 'serving 1 job, 42 tok/s'],
    [live({ listing: 'listed', running: 3, tokPerS: 12 }), 'serving', 'serving 3 jobs, 12 tok/s'],
    [live({ engine: 'broken', listing: 'listed' }), 'attention', 'the engine keeps failing'],
  ])('%# shows %s', (value, state, text) => {
    expect(trayOf(value)).toEqual({ t: 'tray', state, text })
  })
})

async function* stream<T>(values: readonly T[], fail?: Error): AsyncGenerator<T> {
  yield* values
  if (fail !== undefined) throw fail
}
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

describe('telling the shell', () => {
  const watched = (change: Partial<WatchedCore>): WatchedCore => ({
    live: async () => stream([]),
    events: async () => stream([]),
    settings: async () => ({ closeToTray: 'tray' }),
    ...change,
  })

  it('tells the tray’s line when it changes, not with every beat', async () => {
    const told: ShellRequest[] = []
    tellShell(
      watched({ live: async () => stream([live(), live(), live({ listing: 'listed' }), live({ listing: 'listed' })]) }),
      (request) => told.push(request),
      new AbortController().signal,
      () => undefined,
    )
    await settle()
    expect(told.map((request) => (request.t === 'tray' ? request.state : request.t))).toEqual(['off', 'listed'])
  })

  it('tells the stored answer at the start and whenever the settings change', async () => {
    const told: ShellRequest[] = []
    const topics = ['models', 'settings', 'jobs', 'settings'].map((topic) => ({ topic: topic as 'settings' }))
    const answers = (['ask', 'quit'] as const).values()
    tellShell(
      watched({ events: async () => stream(topics), settings: async () => ({ closeToTray: answers.next().value! }) }),
      (request) => told.push(request),
      new AbortController().signal,
      () => undefined,
    )
    await settle()
    expect(told).toEqual([
      { t: 'close-to-tray', choice: 'ask' },
      { t: 'close-to-tray', choice: 'quit' },
    ])
  })

  it('reports a stream that breaks instead of ending the process, and is silent about one that was ended', async () => {
    const errors: unknown[] = []
    const broken = watched({ live: async () => stream([live()], new Error('broken')) })
    tellShell(
      broken,
      () => undefined,
      new AbortController().signal,
      (error) => errors.push(error),
    )
    await settle()
    expect(errors).toEqual([new Error('broken')])
    tellShell(
      broken,
      () => undefined,
      AbortSignal.abort(),
      (error) => errors.push(error),
    )
    await settle()
    expect(errors).toHaveLength(1)
  })
})
