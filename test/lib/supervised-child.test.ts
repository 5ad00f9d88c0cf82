/**
 * The one supervisor, as a machine over a fake child: start → ready → busy → silent → back-off → given up → ended.
 * Catches: two lives at once, a kill of one that said it is busy, a start that nobody ends, a child that stated its
 * reason and is started all the same, a restart after the end was asked for, a pause that is not the table's.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { ChildPolicy } from '#lib/child-policies.ts'
import { EXITS } from '#lib/exit-codes.ts'
import { createLog } from '#lib/log.ts'
import { SupervisedChild, type ChildEnd, type ChildState } from '#lib/supervise.ts'
import { FakeClock, settle } from '#test/support/fake-clock.ts'
import { FakeLife } from '#test/support/fake-life.ts'

const POLICY: ChildPolicy = {
  readyMs: 1_000,
  silence: { saidMs: 500, killMs: 2_000, counts: 'always' },
  pausesMs: [10, 40, 90],
  healthyMs: 5_000,
  failuresMax: { first: 3, later: null },
  end: { askMs: 100, terminateMs: 50, killMs: 20 },
}
const log = createLog('test')
log.level = 'silent'

function supervised({ policy = POLICY, clock = new FakeClock(), hasWork = true, wants = true, fork = true } = {}) {
  const lives: FakeLife[] = []
  const states: ChildState[] = []
  const cleaned: number[] = []
  const shared = { hasWork, wants, fork, prepare: async () => undefined as void }
  const child = new SupervisedChild<FakeLife>({
    name: 'fake',
    policy,
    clock,
    log,
    // The whole pause.
    random: () => 1,
    start: (signs) => {
      if (!shared.fork) throw new Error('EAGAIN')
      expect(lives.every(({ alive }) => !alive)).toBe(true)
      const life = new FakeLife(signs)
      lives.push(life)
      return life
    },
    prepare: () => shared.prepare(),
    clean: async () => void cleaned.push(clock.mono()),
    hasWork: () => shared.hasWork,
    failed: (end, givenUp) => new Error(`${end === null ? 'called off' : end.cause}${givenUp ? ', given up' : ''}`),
    onState: (state) => states.push(state),
    onEnd: () => shared.wants,
  })
  return {
    child,
    clock,
    lives,
    states,
    cleaned,
    shared,
    kinds: () => states.map(({ kind }) => kind),
    last: () => lives.at(-1)!,
    async start() {
      child.started().catch(() => undefined)
      await settle()
    },
  }
}
const lastEnd = (state: ChildState): ChildEnd | null =>
  state.kind === 'givenUp' || state.kind === 'backoff' ? state.last : null

describe('a start', () => {
  it('is one for all who wait, and is ready when the child says so and its preparation is done', async () => {
    const { child, lives, kinds, shared, last } = supervised()
    const prepared = Promise.withResolvers<void>()
    shared.prepare = () => prepared.promise
    expect([child.state.kind, child.running]).toEqual(['idle', null])
    const [one, two] = [child.started(), child.started()]
    await settle()
    expect([lives.length, child.running === last()]).toEqual([1, true])
    last().signs.ready()
    let there = false
    void one.then(() => (there = true))
    await settle()
    expect(there).toBe(false)
    prepared.resolve()
    expect([await one, await two, await child.started()]).toEqual([last(), last(), last()])
    expect(kinds()).toEqual(['starting', 'ready'])
  })

  it('ends at the table’s time by a kill, and counts as a failure (a silent start held everything for ever)', async () => {
    const { child, clock, last, start, lives } = supervised()
    await start()
    await clock.advance(999)
    expect(last().taken).toEqual([])
    await clock.advance(1)
    expect([lives[0]!.taken, lastEnd(child.state)?.cause]).toEqual([['kill'], 'late'])
    await clock.advance(10)
    expect(lives).toHaveLength(2)
  })

  it('is waited for while the child says that it migrates, and has its whole time again afterwards', async () => {
    const { child, clock, last, start, lives, states } = supervised()
    await start()
    await clock.advance(900)
    last().signs.busy('migrating', '3 %')
    await clock.advance(3_600_000)
    last().signs.busy('migrating', '99 %')
    expect(child.state).toEqual({ kind: 'busy', task: 'migrating', text: '99 %' })
    last().signs.done()
    expect(child.state).toEqual({ kind: 'starting', attempt: 1 })
    await clock.advance(999)
    expect([lives.length, last().taken]).toEqual([1, []])
    last().signs.ready()
    await clock.advance(400)
    expect([states.map(({ kind }) => kind), last().taken]).toEqual([
      ['starting', 'busy', 'busy', 'starting', 'ready'],
      [],
    ])
  })

  it('that the system refuses is given up at once, and tried again by the owner', async () => {
    const { child, shared, lives, last } = supervised({ fork: false })
    await expect(child.started()).rejects.toThrow('unstartable, given up')
    await expect(child.started()).rejects.toThrow('unstartable, given up')
    shared.fork = true
    const retried = child.retry()
    await settle()
    last().signs.ready()
    await retried
    expect([lives.length, child.state.kind]).toEqual([1, 'ready'])
  })

  it('whose preparation fails ends nothing that runs', async () => {
    const { child, shared, last } = supervised()
    shared.prepare = () => Promise.reject(new Error('no memory'))
    const started = child.started()
    await settle()
    last().signs.ready()
    await expect(started).rejects.toThrow('no memory')
    expect([child.running === last(), last().alive, child.state.kind]).toEqual([true, true, 'ready'])
  })
})

describe('an end that nobody asked for', () => {
  it('brings the next life after the table’s pauses, the last of which repeats, once what was left is cleaned', async () => {
    const { child, clock, last, start, lives, cleaned } = supervised()
    await start()
    last().signs.ready()
    const at: number[] = []
    for (const pause of [10, 40, 90, 90, 90]) {
      at.push(clock.mono())
      last().exit()
      await clock.advance(pause - 1)
      expect(child.state.kind).toBe('backoff')
      await clock.advance(1)
      last().signs.ready()
      await settle()
    }
    expect([lives.length, at, cleaned]).toEqual([6, [0, 10, 50, 140, 230], [0, 10, 50, 140, 230]])
  })

  it('draws each pause from its upper half', async () => {
    const clock = new FakeClock()
    const forked: number[] = []
    const child = new SupervisedChild<FakeLife>({
      name: 'fake',
      policy: { ...POLICY, pausesMs: [100] },
      clock,
      log,
      random: () => 0,
      start: (signs) => {
        forked.push(clock.mono())
        const life = new FakeLife(signs)
        if (forked.length === 1) life.exit()
        return life
      },
      failed: () => new Error('x'),
    })
    child.started().catch(() => undefined)
    await clock.advance(60)
    expect(forked).toEqual([0, 50])
  })

  it('begins its count afresh after a healthy while, and not sooner', async () => {
    const policy = { ...POLICY, failuresMax: { first: 2, later: 2 }, silence: null }
    const { child, clock, last, start } = supervised({ policy })
    await start()
    for (let turn = 0; turn < 3; turn += 1) {
      last().signs.ready()
      await clock.advance(5_001)
      last().exit()
      await clock.advance(10)
      expect(child.state.kind).toBe('starting')
    }
    last().signs.ready()
    await clock.advance(5_000)
    last().exit()
    expect(child.state.kind).toBe('givenUp')
  })

  it('is given up after so many that were never ready, and then fails every start with the last words', async () => {
    const { child, clock, last, start, lives } = supervised()
    await start()
    for (const words of ['first', 'second', 'third']) {
      last().exit(1, words)
      await clock.advance(100)
    }
    expect([lives.length, child.state.kind, lastEnd(child.state)?.words]).toEqual([3, 'givenUp', 'third'])
    await expect(child.started()).rejects.toThrow('exit, given up')
    await clock.advance(3_600_000)
    expect([lives.length, clock.waiting]).toEqual([3, 0])
  })

  it.each([
    ['newer', 1],
    ['damaged', 1],
    ['usage', 1],
  ] as const)('for a reason that no start mends (%s) is not started again', async (name, lifetimes) => {
    const { child, clock, last, start, lives } = supervised()
    await start()
    last().signs.ready()
    await settle()
    last().exit(EXITS[name].exit, 'the reason')
    await clock.advance(3_600_000)
    expect([lives.length, child.state.kind, lastEnd(child.state)?.words]).toEqual([lifetimes, 'givenUp', 'the reason'])
  })

  it('for want of a disk waits the longest pause, and ends a first start at once', async () => {
    const { child, clock, last, start, lives } = supervised()
    await start()
    last().signs.ready()
    await settle()
    last().exit(EXITS.disk.exit)
    await clock.advance(89)
    expect(lives).toHaveLength(1)
    await clock.advance(1)
    expect(lives).toHaveLength(2)
    const first = supervised()
    await first.start()
    first.last().exit(EXITS.disk.exit, 'the disk is full')
    expect([first.child.state.kind, child.state.kind]).toEqual(['givenUp', 'starting'])
  })

  it('of one that is not needed now waits until it is', async () => {
    const { child, clock, last, start, lives } = supervised({ wants: false })
    await start()
    last().signs.ready()
    last().exit()
    await clock.advance(1_000)
    expect([lives.length, child.state.kind]).toEqual([1, 'idle'])
    await start()
    expect(lives).toHaveLength(2)
  })
})

describe('silence', () => {
  it('is said, taken back at the next word, and ends by a kill when it goes on', async () => {
    const { child, clock, last, start, kinds, lives } = supervised()
    await start()
    last().signs.ready()
    await clock.advance(500)
    expect(child.state.kind).toBe('silent')
    last().signs.heard()
    expect(child.state.kind).toBe('ready')
    await clock.advance(1_999)
    expect(last().taken).toEqual([])
    await clock.advance(1)
    expect([lives[0]!.taken, lastEnd(child.state)?.cause]).toEqual([['kill'], 'silent'])
    expect(kinds()).toEqual(['starting', 'ready', 'silent', 'ready', 'silent', 'backoff'])
  })

  it('counts checks, not time: a computer that slept through it kills nothing', async () => {
    const { clock, last, start } = supervised()
    await start()
    last().signs.ready()
    await clock.advance(100)
    clock.jump(3_600_000)
    await clock.advance(100)
    expect(last().taken).toEqual([])
  })

  it('means nothing of a child that said what it is busy with, ready or not', async () => {
    const { child, clock, last, start } = supervised()
    await start()
    last().signs.ready()
    await clock.advance(600)
    last().signs.busy('checking', 'a.db')
    await clock.advance(3_600_000)
    expect([child.state, last().taken]).toEqual([{ kind: 'busy', task: 'checking', text: 'a.db' }, []])
    last().signs.done()
    expect(child.state.kind).toBe('ready')
    await clock.advance(500)
    expect(child.state.kind).toBe('silent')
  })

  it('counts with work only where the table says so', async () => {
    const policy = { ...POLICY, silence: { saidMs: 500, killMs: 2_000, counts: 'with work' as const } }
    const { clock, last, start, shared } = supervised({ policy, hasWork: false })
    await start()
    last().signs.ready()
    last().signs.working()
    await clock.advance(600_000)
    expect([last().taken, clock.waiting]).toEqual([[], 0])
    shared.hasWork = true
    last().signs.working()
    await clock.advance(2_000)
    expect(last().taken).toEqual(['kill'])
  })
})

describe('an end that was asked for', () => {
  it('takes the table’s steps and starts nothing afterwards', async () => {
    const { child, clock, last, start, lives } = supervised()
    await start()
    last().signs.ready()
    last().endsBy = 'kill'
    const stopped = child.stop()
    await clock.advance(150)
    expect([await stopped, last().taken, child.state.kind]).toEqual([true, ['ask', 'terminate', 'kill'], 'ended'])
    await clock.advance(3_600_000)
    expect([lives.length, clock.waiting]).toEqual([1, 0])
  })

  it('calls off a start and a pause', async () => {
    const { child, clock, last, lives } = supervised()
    const starting = child.started()
    starting.catch(() => undefined)
    await settle()
    await child.stop()
    await expect(starting).rejects.toThrow('called off')
    const again = child.started()
    again.catch(() => undefined)
    await settle()
    last().exit()
    await settle()
    expect(child.state.kind).toBe('backoff')
    await child.stop()
    await clock.advance(3_600_000)
    expect([lives.length, child.state.kind, clock.waiting]).toEqual([2, 'ended', 0])
  })

  it('of one that the system holds is told, and no failure when it goes later', async () => {
    const { child, clock, last, start, lives } = supervised()
    await start()
    last().signs.ready()
    last().endsBy = 'nothing'
    const stopped = child.stop()
    await clock.advance(170)
    expect(await stopped).toBe(false)
    last().exit(null)
    await clock.advance(3_600_000)
    expect([lives.length, child.state.kind]).toEqual([1, 'ended'])
  })
})

it('is one life at a time, whatever happens to it and whenever it is stopped', async () => {
  const happening = fc.constantFrom('ready', 'exit', 'refuse', 'busy', 'done', 'stop', 'start', 'retry')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(happening, fc.integer({ min: 0, max: 1_500 })), { minLength: 1, maxLength: 20 }),
      async (happenings) => {
        const clock = new FakeClock()
        const { child, lives } = supervised({ clock })
        child.started().catch(() => undefined)
        await settle()
        for (const [what, ms] of happenings) {
          const life = lives.at(-1)
          if (what === 'ready') life?.signs.ready()
          if (what === 'exit') life?.exit()
          if (what === 'refuse') life?.exit(EXITS.newer.exit)
          if (what === 'busy') life?.signs.busy('migrating', '')
          if (what === 'done') life?.signs.done()
          if (what === 'stop') void child.stop()
          if (what === 'start') child.started().catch(() => undefined)
          if (what === 'retry') child.retry().catch(() => undefined)
          // `start` of the fake sees a second one that lives.
          await clock.advance(ms)
        }
        void child.stop()
        await clock.advance(1_000)
        const begun = lives.length
        await clock.advance(3_600_000)
        expect([lives.length, lives.filter(({ alive }) => alive).length, clock.waiting]).toEqual([begun, 0, 0])
      },
    ),
    { numRuns: 200 },
  )
})
