/**
 * What every driver must do to the core behind it, tried on our own exchange and on a market made for it (poll-shaped,
 * no receipts, another realm and unit), both at once in one core.
 */
import { describe, expect, it, onTestFinished } from 'vitest'

import type { JobId, VenueId } from '#contract/ids.ts'
import { STOKER_CAPABILITIES } from '#venues/stoker/stoker-frames.ts'

import { tempDir } from '../support/temp-dir.ts'
import { TOY_CAPABILITIES } from '../support/toy-venue/toy-driver.ts'
import { BREAK, TOY, TwoVenues } from '../support/toy-venue/two-venues.ts'
import { VENUE } from '../support/venue.ts'

interface UnderTest {
  name: string
  venueId: VenueId
  other: VenueId
  capabilities: typeof TOY_CAPABILITIES
  /** A buyer asks. */
  job(rig: TwoVenues, content?: string, deadlineMs?: number): JobId
  /** The venue takes our key no more, or can not be reached; then as before. */
  refuse(rig: TwoVenues): void
  cut(rig: TwoVenues): void
  mend(rig: TwoVenues): void
  /** Everything earned moves on. */
  payOut(rig: TwoVenues): void
  /** Hand-ins or claims that the venue heard of a job. */
  heard(rig: TwoVenues, jobId: string): number
  /** Answers of the venue are lost from now on, or come again. */
  mute(rig: TwoVenues, muted: boolean): void
  /** States of the money, in order. */
  pay: readonly string[]
}

const STOKER: UnderTest = {
  name: 'our own exchange',
  venueId: VENUE,
  other: TOY,
  capabilities: STOKER_CAPABILITIES,
  job: ({ exchange }, content = 'hello', deadlineMs = 60_000) => exchange.job({ content, deadlineMs }),
  refuse: ({ exchange }) => exchange.offline(),
  cut: ({ exchange }) => exchange.offline(),
  mend: ({ exchange }) => exchange.online(),
  payOut: ({ exchange }) => {
    while (exchange.release());
  },
  heard: ({ exchange }, jobId) => exchange.receipts.filter(({ claim }) => claim.jobId === jobId).length,
  mute: (rig, muted) => {
    rig.exchangeMuted = muted
  },
  pay: ['held', 'available', 'available'],
}

const MARKET: UnderTest = {
  name: 'a market that is polled and pays by statement',
  venueId: TOY,
  other: VENUE,
  capabilities: TOY_CAPABILITIES,
  job: ({ toy }, content = 'hello', ttlMs = 60_000) => toy.queue(content, { ttlMs }) as JobId,
  refuse: (rig) => {
    rig.toyKey = 'wrong'
  },
  cut: ({ toy }) => {
    toy.isDown = true
  },
  mend: (rig) => {
    rig.toy.isDown = false
    rig.toyKey = rig.toy.key
  },
  payOut: ({ toy }) => toy.payOut(),
  heard: ({ toy }, jobId) => toy.handedIn.filter((id) => id === jobId).length,
  mute: ({ toy }, muted) => {
    toy.losesAnswers = muted
  },
  pay: ['accrued', 'available', 'paid'],
}

async function open(): Promise<TwoVenues> {
  const rig = new TwoVenues(tempDir())
  rig.boot()
  onTestFinished(() => rig.core.stop())
  await rig.list()
  return rig
}
const jobOf = ({ core }: TwoVenues, { venueId }: UnderTest, jobId: JobId) => core.client.jobs.get({ venueId, jobId })
async function problemsOf(rig: TwoVenues, venueId: VenueId): Promise<string[]> {
  const checking = rig.core.client.app.ledgerCheck({ venueId })
  await rig.run(200)
  return (await checking).problems.filter((line) => !line.startsWith('What to do'))
}
async function booksAgree(rig: TwoVenues): Promise<void> {
  for (const venueId of [VENUE, TOY]) expect(await problemsOf(rig, venueId)).toEqual([])
}

describe.each([STOKER, MARKET])('$name', (venue) => {
  it('brings a job, takes its text once, and its money moves to the end', async () => {
    const rig = await open()
    const jobId = venue.job(rig)
    await rig.run(1_500)
    expect(venue.heard(rig, jobId)).toBe(1)
    const shown: string[] = [(await jobOf(rig, venue, jobId)).money]
    for (let step = 1; step < venue.pay.length; step += 1) {
      venue.payOut(rig)
      await rig.run(1_500)
      shown.push((await jobOf(rig, venue, jobId)).money)
    }
    expect(shown).toEqual(venue.pay)
    expect(await jobOf(rig, venue, jobId)).toMatchObject({ venueId: venue.venueId, state: 'settled' })
    expect((await rig.core.client.jobs.list({ venueId: venue.other })).jobs).toEqual([])
    await booksAgree(rig)
  })

  it('with a bad key, or out of reach, says so and sells nothing, while the other venue goes on', async () => {
    for (const fault of ['refuse', 'cut'] as const) {
      const rig = await open()
      venue[fault](rig)
      await rig.run(1_000)
      const [other] = [STOKER, MARKET].filter(({ venueId }) => venueId === venue.other)
      const sold = other!.job(rig)
      await rig.run(1_500)
      const listings = await rig.core.client.market.listings({ venueId: venue.venueId })
      expect([listings[0]?.state, other!.heard(rig, sold)]).toEqual(['waiting', 1])
      venue.mend(rig)
      await rig.run(1_000)
      const jobId = venue.job(rig)
      await rig.run(1_500)
      expect((await jobOf(rig, venue, jobId)).state).toBe('settled')
      await booksAgree(rig)
    }
  })

  it('is told when the engine fails, pays nothing for it, and sends the next job', async () => {
    const rig = await open()
    const broken = venue.job(rig, BREAK)
    const good = venue.job(rig)
    await rig.run(2_000)
    expect([(await jobOf(rig, venue, broken)).state, (await jobOf(rig, venue, good)).state]).toEqual([
      'failed',
      'settled',
    ])
    expect(venue.heard(rig, broken)).toBe(0)
    await booksAgree(rig)
  })

  it('gets nothing after the deadline, and pays nothing', async () => {
    const rig = await open()
    rig.slow = true
    const jobId = venue.job(rig, 'hello', 1_000)
    await rig.run(500)
    if (venue.capabilities.cancel) {
      await rig.run(600)
      rig.exchange.push({ t: 'job.cancel', jobId, reason: 'deadline' })
    }
    await rig.run(2_000)
    expect([(await jobOf(rig, venue, jobId)).state, venue.heard(rig, jobId)]).toEqual(['failed', 0])
    await booksAgree(rig)
  })

  it('acknowledges late: the job is claimed until it does, and booked once', async () => {
    const rig = await open()
    venue.mute(rig, true)
    const jobId = venue.job(rig)
    await rig.run(300)
    expect(['pending', 'accrued']).toContain((await jobOf(rig, venue, jobId)).money)
    venue.mute(rig, false)
    await rig.run(2_000)
    expect(await jobOf(rig, venue, jobId)).toMatchObject({ state: 'settled', money: venue.pay[0] })
    expect(venue.heard(rig, jobId)).toBe(1)
    await booksAgree(rig)
  })

  it('is killed between any two steps: nothing is booked twice, and what it heard of is paid in the end', async () => {
    const whole = await open()
    const before = whole.life.crossed
    venue.job(whole)
    await whole.run(1_500)
    const steps = whole.life.crossed - before
    expect(steps).toBeGreaterThan(4)
    // `npm run test:faults` ends it at every step, `npm test` at every third.
    for (let step = 0; step <= steps; step += process.env['STOKER_FAULTS'] === 'full' ? 1 : 3) {
      const rig = await open()
      rig.life.left = step
      const jobId = venue.job(rig)
      await rig.run(1_500)
      await rig.restart()
      await rig.run(2_000)
      venue.payOut(rig)
      await rig.run(2_000)
      const { jobs } = await rig.core.client.jobs.list({ venueId: venue.venueId })
      const mine = jobs.filter((job) => job.jobId === jobId)
      expect(mine.length, `step ${step}`).toBeLessThanOrEqual(1)
      if (venue.heard(rig, jobId) > 0)
        expect(mine[0], `step ${step}`).toMatchObject({ state: 'settled', money: venue.pay[1] })
      await booksAgree(rig)
    }
  }, 120_000)
})

describe('a job that comes twice', () => {
  it('is served once', async () => {
    const rig = await open()
    const jobId = STOKER.job(rig)
    rig.exchange.deliver(true)
    await rig.run(1_500)
    const again = MARKET.job(rig)
    await rig.run(300)
    // The market hands the same job out again, as if it had never been fetched.
    rig.toy.jobs.get(again)!.state = 'queued'
    await rig.run(1_500)
    expect([STOKER.heard(rig, jobId), MARKET.heard(rig, again)]).toEqual([1, 1])
    await booksAgree(rig)
  })
})

describe('a buyer who leaves', () => {
  it.each(['before it started', 'while it runs', 'after it was done'])(
    '%s: nothing is lost or doubled',
    async (when) => {
      const rig = await open()
      rig.slow = true
      const jobId = STOKER.job(rig)
      const cancel = (): void => rig.exchange.push({ t: 'job.cancel', jobId, reason: 'buyer' })
      if (when === 'before it started') cancel()
      await rig.run(100)
      if (when === 'while it runs') cancel()
      rig.releaseAll()
      await rig.run(300)
      if (when === 'after it was done') cancel()
      await rig.run(1_500)
      expect(['settled', 'failed', 'void']).toContain((await jobOf(rig, STOKER, jobId)).state)
      await booksAgree(rig)
    },
  )
})

describe('slots', () => {
  it('are sold once: the market is asked for nothing while our exchange’s jobs take them all', async () => {
    const rig = await open()
    rig.slow = true
    STOKER.job(rig)
    STOKER.job(rig)
    await rig.run(300)
    const waiting = MARKET.job(rig)
    await rig.run(1_000)
    expect(rig.toy.jobs.get(waiting)!.state).toBe('queued')
    rig.releaseAll()
    rig.slow = false
    await rig.run(1_500)
    expect(rig.toy.jobs.get(waiting)!.state).toBe('done')
  })

  it('and the exchange is refused while the market’s jobs take them all', async () => {
    const rig = await open()
    rig.slow = true
    MARKET.job(rig)
    MARKET.job(rig)
    await rig.run(500)
    const refused = STOKER.job(rig)
    await rig.run(500)
    expect(await jobOf(rig, STOKER, refused)).toMatchObject({ state: 'rejected', reason: { code: 'job.slotsTaken' } })
  })
})

describe('a statement that pays other than was said', () => {
  it('is booked as the venue pays, and the difference is shown line by line', async () => {
    const rig = await open()
    const jobId = MARKET.job(rig)
    rig.toy.shortBy = 7
    await rig.run(1_500)
    expect((await problemsOf(rig, TOY))[0]).toMatch(
      new RegExp(`^statement line of job ${jobId}: it says \\d+, and \\d+ was said`),
    )
    expect((await rig.core.client.jobs.get({ venueId: TOY, jobId })).sellerNano).toBe(
      rig.toy.jobs.get(jobId)!.points - 7,
    )
  })
})

describe('venues of one rig', () => {
  it('are never added: each has its own books, listings, earnings and unit', async () => {
    const rig = await open()
    const [mine, toys] = [STOKER.job(rig), MARKET.job(rig)]
    await rig.run(2_000)
    const sums = async (venueId: VenueId) =>
      rig.core.client.earnings.summary({ venueId, from: 0, to: rig.clock.now() + 86_400_000, zone: 'UTC' })
    const [practice, toy] = [await sums(VENUE), await sums(TOY)]
    expect([practice.venueId, practice.currency, practice.jobs]).toEqual([VENUE, 'PCR', 1])
    expect([toy.venueId, toy.currency, toy.jobs, toy.heldNano]).toEqual([TOY, 'SIM', 1, rig.toy.jobs.get(toys)!.points])
    expect(practice.heldNano).toBe((await jobOf(rig, STOKER, mine)).sellerNano)
    await expect(rig.core.client.jobs.list({ venueId: 'none' })).rejects.toMatchObject({ data: { code: 'NOT_FOUND' } })
  })
})
