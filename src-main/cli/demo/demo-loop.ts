/**
 * The whole loop once, one thing at a time: model → exam → listing → jobs → money. Reproducible: equal seeds give equal
 * results.
 */
import { setTimeout as wait } from 'node:timers/promises'

import type { ContractRouterClient } from '@orpc/contract'

import { EMBEDDED_VENUE } from '#contract/embedded-venue.ts'
import { fail } from '#contract/errors.ts'
import type { Exam } from '#contract/exams.ts'
import type { DeploymentId, Instrument, VenueId } from '#contract/ids.ts'
import { brandId } from '#contract/ids.ts'
import type { Contract } from '#contract/index.ts'
import type { Model } from '#contract/models.ts'
import { nanoPerMtok, onePrice } from '#contract/money.ts'
import { examItem, FAMILIES } from '#exam/generate-items.ts'
import { sha256Hex } from '#lib/canonical.ts'

import { buy, type Purchase } from './demo-purchase.ts'
import type { Score } from './demo-report.ts'

export type Client = ContractRouterClient<Contract>

export const INSTRUMENT = brandId<Instrument>(EMBEDDED_VENUE.demoInstrument)
/** One practice credit per million tokens. */
const ASK = nanoPerMtok(1_000_000_000)
const POLL_MS = 20
const WAIT_MS = 30_000

/** Asks again until `read` gives a value; DEADLINE with `what` after half a minute. */
export async function until<T>(what: string, read: () => Promise<T | null> | T | null, waitMs = WAIT_MS): Promise<T> {
  const endsAt = performance.now() + waitMs
  while (performance.now() < endsAt) {
    const value = await read()
    if (value !== null) return value
    await wait(POLL_MS)
  }
  throw fail('demo.waited', { seconds: waitMs / 1_000, what })
}

export async function importModel(client: Client, path: string): Promise<Model> {
  for await (const progress of await client.models.import({ path })) if (progress.kind === 'done') return progress.model
  throw fail('demo.noModel', { path })
}

/** One slot, one thread, no GPU: nothing that could change the order of sums. */
/** The core under demonstration, and the venue it sells on. */
export interface DemoSeller {
  client: Client
  venueId: VenueId
}

/** The first venue of the rig: our own exchange. Error NOT_FOUND. */
export async function firstVenue(client: Client): Promise<VenueId> {
  const [venue] = (await client.app.hello()).venues
  if (venue === undefined) throw fail('demo.noVenue')
  return venue.venueId
}

export async function deploy(client: Client, model: Model): Promise<DeploymentId> {
  const { deploymentId } = await client.models.deploy({
    sha256: model.sha256,
    settings: { slots: 1, threads: 1, gpuLayers: 0 },
  })
  return deploymentId
}

/**
 * Sits the exam to its end. Errors: DEADLINE when one item missed its own, since then the run cannot be repeated;
 * NOT_QUALIFIED.
 */
export async function sitExam(
  { client, venueId }: DemoSeller,
  deploymentId: DeploymentId,
  say: (line: string) => void,
): Promise<Exam> {
  await until('the exchange', async () =>
    (await client.exams.grades({ venueId })).some((grade) => grade.spec.instrument === INSTRUMENT) ? true : null,
  )
  const started = await until('the exchange to start the exam', () =>
    client.exams.start({ venueId, instrument: INSTRUMENT, deploymentId }).catch((error: unknown) => {
      if ((error as { data?: { code?: string } }).data?.code === 'EXCHANGE_OFFLINE') return null
      throw error
    }),
  )
  let said = 0
  for await (const progress of await client.exams.progress({ venueId, examId: started.examId })) {
    if (progress.done < said + 20) continue
    said = progress.done
    say(`  exam: ${progress.done} of at most ${progress.atMost} calls`)
  }
  const exam = await client.exams.get({ venueId, examId: started.examId })
  const late = exam.items.find((item) => item.reason.includes('DEADLINE'))
  if (late !== undefined) throw fail('demo.itemLate', { item: late.itemId })
  if (exam.state !== 'passed') throw fail('demo.examEnded', { state: exam.state })
  return exam
}

/** Limits judged by answers are part of what repeats; those by the clock are not. */
export function splitScore(exam: Exam): { score: Score; clockLimits: Record<string, string> } {
  const score: Score = { verdict: exam.state, limits: {} }
  const clockLimits: Record<string, string> = {}
  for (const { name, n, k, state } of exam.limits) {
    if (name === 'intelligence' || name in exam.spec.limits.families || name.startsWith('family'))
      score.limits[name] = { right: k, of: n, verdict: state }
    else clockLimits[name] = state
  }
  return { score, clockLimits }
}

export async function list({ client, venueId }: DemoSeller, deploymentId: DeploymentId): Promise<void> {
  await client.market.list({ venueId, instrument: INSTRUMENT, deploymentId, ask: onePrice(ASK) })
  await until('the exchange to accept the listing', async () =>
    (await client.market.listings({ venueId })).some((listing) => listing.state === 'listed') ? true : null,
  )
}

/** What the demo's buyer asks: items of a seed of its own, families in turn. */
const promptOf = (seed: string, index: number): string =>
  examItem(
    sha256Hex(`demand|${seed}`).slice(0, 32),
    FAMILIES[index % FAMILIES.length]!,
    1,
    Math.floor(index / FAMILIES.length),
  ).prompt

export interface BuyAllOptions {
  seller: DemoSeller
  exchangeUrl: string
  key: string
  seed: string
  jobs: number
  maxTokens: number
  afterEach: () => Promise<void>
  say: (line: string) => void
}

/** Buys one after the other; each is settled on our side before the next is asked. */
export async function buyAll({
  seller,
  exchangeUrl,
  key,
  seed,
  jobs,
  maxTokens,
  afterEach,
  say,
}: BuyAllOptions): Promise<Purchase[]> {
  const purchases: Purchase[] = []
  const before = await settledCount(seller)
  for (let index = 0; index < jobs; index += 1) {
    purchases.push(await buy({ exchangeUrl, key, instrument: INSTRUMENT, prompt: promptOf(seed, index), maxTokens }))
    await until(`job ${index + 1} to settle`, async () => ((await settledCount(seller)) > before + index ? true : null))
    await afterEach()
    if ((index + 1) % 5 === 0) say(`  jobs: ${index + 1} of ${jobs}`)
  }
  return purchases
}

/** Settled jobs, newest first; counting stops at the bound of one page times its pages. */
async function settledCount({ client, venueId }: DemoSeller): Promise<number> {
  let [count, before]: [number, string | null] = [0, null]
  for (let page = 0; page < 1_000; page += 1) {
    const { jobs, next }: Awaited<ReturnType<Client['jobs']['list']>> = await client.jobs.list({
      venueId,
      state: 'settled',
      limit: 200,
      before,
    })
    count += jobs.length
    if (next === null) break
    before = next
  }
  return count
}
