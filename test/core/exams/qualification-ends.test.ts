/**
 * A real core and a real exchange in one process under a clock whose date the test sets: what the listing, Home's
 * sentence and the ladder say is what the exchange does.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it, onTestFinished } from 'vitest'

import type { Instrument } from '#contract/ids.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { DAY_MS, type Clock } from '#contract/time.ts'
import { examItem, FAMILIES } from '#exam/generate-items.ts'
import { systemClock } from '#lib/system-clock.ts'
import { createFakeEngine } from '#test/support/fake-engine.ts'
import { createFakeEngines } from '#test/support/fake-engines.ts'
import { openInProcessStack, untilOnline } from '#test/support/in-process-stack.ts'
import { tempDir } from '#test/support/temp-dir.ts'
import { until } from '#test/support/until.ts'
import { VENUE } from '#test/support/venue.ts'

import { admin } from '../../exchange-server/exchange-support.ts'

const NANO = 'practice/text-nano' as Instrument
const SEED = 'qualification-ends'
const ASK = onePrice(nanoPerMtok(1_000_000_000))
const answers = new Map(
  FAMILIES.flatMap((family) => Array.from({ length: 60 }, (_, index) => examItem(SEED, family, 1, index))).map(
    (item) => [item.prompt, item.answer],
  ),
)

async function rig() {
  let offset = 0
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + offset }
  let knows = true
  const told: string[] = []
  const stack = await openInProcessStack({
    folder: tempDir(),
    examSeed: SEED,
    clock,
    onNotify: (_title, body) => told.push(body),
    engines: () =>
      createFakeEngines({
        make: () =>
          createFakeEngine({
            answer: (request) =>
              request.ignoreEos
                ? 'word '.repeat(request.maxTokens + 1)
                : ((knows ? answers.get(request.messages.at(-1)!.content) : undefined) ?? 'Sold, word by word!'),
          }),
      }),
  })
  onTestFinished(() => stack.stop())
  const { client } = stack.core
  await untilOnline(stack.core)
  const path = join(stack.folder, 'fake.gguf')
  writeFileSync(path, 'a fake model')
  let sha256 = ''
  for await (const step of await client.models.import({ path })) if (step.kind === 'done') sha256 = step.model.sha256
  // One slot: an exam of two phases, not three.
  const settings = { slots: 1, contextTokens: 256, threads: 1, gpuLayers: 0 }
  const { deploymentId } = await client.models.deploy({ sha256, settings })
  const { key } = await admin<{ key: string }>(stack.exchange, '/buyer-keys', { name: 'a buyer' })
  const begin = systemClock.now()

  const listing = async () => (await client.market.listings({ venueId: VENUE }))[0]!
  return {
    stack,
    told,
    client,
    deploymentId,
    listing,
    /** So many days after the start. */
    day: (days: number) => void (offset = begin + days * DAY_MS - systemClock.now()),
    async examine(passes: boolean): Promise<string> {
      knows = passes
      const { examId } = await client.exams.start({ venueId: VENUE, instrument: NANO, deploymentId })
      for await (const step of await client.exams.progress({ venueId: VENUE, examId }))
        if (step.endedAt !== null) return step.state
      throw new Error('the exam did not end')
    },
    list: () => client.market.list({ venueId: VENUE, instrument: NANO, deploymentId, ask: ASK }),
    /** Whether a buyer's call is routed to this rig. */
    async routes(): Promise<boolean> {
      const body = { model: NANO, messages: [{ role: 'user', content: 'Sell me words' }], max_tokens: 16 }
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const response = await fetch(`${stack.exchange.url}/v1/chat/completions`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      }).catch(() => null)
      return response?.ok ?? false
    },
    async seen() {
      const { state, reason } = await listing()
      const { sentence, next, ladder } = await client.app.home({ venueId: VENUE })
      const grade = ladder.find(({ id }) => id === 'grade')!
      return {
        listing: state,
        why: reason.code,
        home: sentence.code,
        next: next?.code,
        grade: grade.state,
        gradeWhy: grade.detail.code,
      }
    },
  }
}

interface Row {
  routes: boolean
  listing: string
  why: RegExp
  home: RegExp
  grade: string
  gradeWhy: string
}
const OPEN: Row = {
  routes: true,
  listing: 'listed',
  why: /^listing\.open$/,
  home: /^home\.listed(Quiet|Busy)$/,
  grade: 'yes',
  gradeWhy: 'text',
}
const SOON: Row = {
  ...OPEN,
  why: /^listing\.openUntil$/,
  home: /^home\.listedEnds$/,
  gradeWhy: 'rung.gradeEnds',
}
const OVER: Row = {
  routes: false,
  listing: 'refused',
  why: /^exchange\.qualificationEnded$/,
  home: /^home\.qualificationOver$/,
  grade: 'no',
  gradeWhy: 'rung.gradeEnded',
}
/** The exchange is away: it routes nothing, and the grade is what it was. */
const away = (row: Row): Row => ({
  ...row,
  routes: false,
  listing: 'waiting',
  why: row === OVER ? /^reasons\.both$/ : /^listing\.(exchangeAway|connecting)$/,
  // The first attempt to connect again is told as the listing's.
  home: row === OVER ? /^home\.(exchangeAway|qualificationOver)/ : /^home\.(exchangeAway|waiting)/,
})

/** What happens on day 20, and how the rig stands by day, from when the first pass was won. */
const TABLE: { exam: string; on20: 'nothing' | 'passes' | 'fails'; days: [day: number, row: Row][] }[] = [
  {
    exam: 'won on day 0',
    on20: 'nothing',
    days: [
      [1, OPEN],
      [22.5, OPEN],
      [23.5, SOON],
      [29.5, SOON],
      [31, OVER],
      [60, OVER],
    ],
  },
  {
    exam: 'won on day 0 and again on day 20',
    on20: 'passes',
    days: [
      [1, OPEN],
      [23.5, OPEN],
      [31, OPEN],
      [44, SOON],
      [51, OVER],
    ],
  },
  {
    exam: 'won on day 0, failed on day 20',
    on20: 'fails',
    days: [
      [22.5, OPEN],
      [29.5, SOON],
      [31, OVER],
    ],
  },
]

describe('what is said of a qualification is what the exchange does', () => {
  it.each(TABLE)('$exam', { timeout: 240_000 }, async ({ on20, days }) => {
    const made = await rig()
    await expect(made.list()).rejects.toMatchObject({ data: { code: 'NOT_QUALIFIED' } })
    expect(await made.examine(true)).toBe('passed')
    await made.list()
    const check = async (name: string, row: Row): Promise<void> => {
      await until(`${name}: ${row.listing}`, async () => {
        const { listing, why, home } = await made.seen()
        return listing === row.listing && row.why.test(why) && row.home.test(home)
      })
      expect(await made.routes(), `${name}: routed`).toBe(row.routes)
      const { home, why, ...shown } = await made.seen()
      expect({ name, ...shown }).toMatchObject({ name, listing: row.listing, grade: row.grade, gradeWhy: row.gradeWhy })
      expect(why).toMatch(row.why)
      expect(home).toMatch(row.home)
    }
    let examined = false
    for (const [day, row] of days) {
      if (day > 20 && on20 !== 'nothing' && !examined) {
        examined = true
        made.day(20)
        expect(await made.examine(on20 === 'passes')).toBe(on20 === 'passes' ? 'passed' : 'not-reached')
      }
      made.day(day)
      await check(`day ${day}, online`, row)
      await made.stack.stopExchange()
      await check(`day ${day}, away`, away(row))
      await made.stack.startExchange()
      await untilOnline(made.stack.core)
      await check(`day ${day}, back`, row)
    }
  })

  it('case 1 of a rig: renewed on day 20 it sells on day 31 without a gap; not renewed it was said before, and as ended', async () => {
    const made = await rig()
    expect(await made.examine(true)).toBe('passed')
    await made.list()
    made.day(20)
    expect(await made.examine(true)).toBe('passed')
    made.day(31)
    expect(await made.routes()).toBe(true)
    expect((await made.listing()).qualifiedUntil).toBeGreaterThan(Date.now() + 49 * DAY_MS)
    expect(made.told, 'nothing to tell').toEqual([])
    made.day(44)
    await until('said before', () => made.told.length === 1)
    expect(made.told[0]).toMatch(/^the qualification for practice\/text-nano ends on/)
    expect(await made.routes()).toBe(true)
    made.day(50.5)
    await until('withdrawn', async () => (await made.listing()).state === 'refused')
    expect(made.told.at(-1)).toMatch(/^The qualification for practice\/text-nano ended on/)
    expect((await made.seen()).next).toBe('next.takeExamAgain')
    expect(await made.routes()).toBe(false)
    await expect(made.list()).rejects.toMatchObject({ data: { reason: { code: 'listing.qualificationEnded' } } })

    // Renewed after its end: it is offered again without a word of its owner.
    expect(await made.examine(true)).toBe('passed')
    await until('listed again', async () => (await made.listing()).state === 'listed')
    expect(await made.routes()).toBe(true)
    expect(await made.seen()).toMatchObject({ home: expect.stringMatching(/^home\.listed/) as string, grade: 'yes' })
  }, 240_000)
})
