/** What a Fake rig holds: plausible figures, invented, the same on every run. Times are relative to `now`. */
import { because, said } from '#contract/reasons.ts'
import type { Hardware, Onboarding, OwnUse, Settings } from '#contract/app.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { DeploymentId, ExamId, Instrument, JobId, ModelSha256, PublicKey } from '#contract/ids.ts'
import type { Job } from '#contract/jobs.ts'
import type { Listing } from '#contract/market.ts'
import type { Model } from '#contract/models.ts'
import { onePrice, type Nano, type NanoPerMtok } from '#contract/money.ts'
import type { Receipt } from '#contract/receipt.ts'
import { splitFee } from '#contract/money.ts'
import { VENUE } from '../venue.ts'
import { onOneGpu } from './gpus.ts'

/**
 * `several`: as busy, with two GPUs, fewer slots offered than there are, a model on remote servers and one that did not
 * fit beside the loaded one.
 */
export type Scenario = 'empty' | 'busy' | 'several' | 'stale' | 'error'
export const SCENARIOS: readonly Scenario[] = ['empty', 'busy', 'several', 'stale', 'error']

export const NANO_GRADE = 'practice/text-nano' as Instrument
export const MICRO_GRADE = 'practice/text-micro' as Instrument
export const ASK = 410_000_000 as NanoPerMtok
export const SHA = '9f3c1b7a55d0e8427c66aa0f1be1f34d90cbb7e2d0a4c1835f6e7d8899aabbcc' as ModelSha256
export const DEPLOYMENT = 'dep_3k9w2f7q1m8x' as DeploymentId
export const EXAM_NANO = 'exam_k3j9d2m4p8s1' as ExamId
export const EXAM_MICRO = 'exam_x7q2w9e4r1t6' as ExamId
export const HEX = 'c0ffee'.padEnd(64, '4d')

/** A repeatable number in 0..1 for an index: the Fake has no randomness. */
export const wobble = (index: number): number => Math.abs(Math.sin(index * 12.9898) * 43_758.5453) % 1

export const specs: readonly GradeSpec[] = [
  {
    instrument: NANO_GRADE,
    version: 1,
    title: 'Text nano',
    provisional: true,
    level: 1,
    tokenizer: 'bytes4',
    caveat:
      'A training grade: level 1 is a smoke test with few distinct items, solvable by a script. It shows the machinery, not intelligence.',
    limits: {
      intelligence: { floor: 0.7, target: 0.8 },
      families: {},
      ttftCeilingMs: 5_000,
      throughputFloorTokPerS: 10,
      contextTokens: 128,
      outputTokens: 64,
      errorRateCeiling: 0.01,
    },
  },
  {
    instrument: MICRO_GRADE,
    version: 1,
    title: 'Text micro',
    provisional: true,
    level: 2,
    tokenizer: 'bytes4',
    caveat:
      'A training grade: level 2 is a smoke test with few distinct items, solvable by a script. It shows the machinery, not intelligence.',
    limits: {
      intelligence: { floor: 0.6, target: 0.7 },
      families: { tools: { floor: 0.8, target: 0.9 } },
      ttftCeilingMs: 5_000,
      throughputFloorTokPerS: 10,
      contextTokens: 128,
      outputTokens: 64,
      errorRateCeiling: 0.01,
    },
  },
]

export const hardware = (now: number): Hardware =>
  onOneGpu(
    {
      hostname: 'workshop-pc',
      os: 'Debian 13',
      cpu: 'AMD Ryzen 7 5800X',
      cores: 16,
      memoryBytes: 34_359_738_368,
      memoryFreeBytes: 21_474_836_480,
      gpus: [{ name: 'RTX 4070', memoryBytes: 12_884_901_888, memoryFreeBytes: 3_113_851_290 }],
      at: now - 2_000,
    },
    now,
  )

export const newSettings = (full: boolean): Settings => ({
  rigName: 'workshop-pc',
  kwhPriceNano: full ? 280_000_000 : null,
  powerCurrency: 'EUR',
  wattsServing: full ? 210 : null,
  wattsIdle: full ? 65 : null,
  theme: 'system',
  closeToTray: 'ask',
})
export const newOwnUse = (full: boolean, now: number): OwnUse => ({
  enabled: full,
  port: 8_790,
  url: full ? 'http://127.0.0.1:8790/v1' : null,
  problem: null,
  keyMadeAt: full ? now - 3_600_000 : null,
})

export const newOnboarding = (full: boolean, now: number): Onboarding =>
  full
    ? { step: 'done', skipped: false, startedAt: now - 86_400_000, firstEarningAt: now - 86_320_000 }
    : { step: 'welcome', skipped: true, startedAt: null, firstEarningAt: null }

export const bundled = (now: number): Model => ({
  fileName: 'nano.gguf',
  path: '/opt/stoker/resources/models/nano.gguf',
  sizeBytes: 1_061_824,
  architecture: 'llama',
  parameters: 912_384,
  quantisation: 'Q8_0',
  contextTokens: 256,
  hasChatTemplate: true,
  licence: 'mit',
  name: 'Stoker nano',
  memory: {
    neededBytes: 27_262_976,
    freeBytes: 21_474_836_480,
    fits: 'yes',
    method: 'file, context and buffers against free memory',
  },
  sha256: SHA,
  addedAt: now - 90_000_000,
  bundled: true,
  state: 'ready',
  card: 'A llama-architecture model of 0.9 M parameters, trained on this exam’s items in under an hour.\nIt shows the machinery, not intelligence.',
})
export const imported = (now: number): Model => ({
  ...bundled(now),
  fileName: 'qwen2.5-7b-instruct-q4_k_m.gguf',
  path: '/models/qwen2.5-7b-instruct-q4_k_m.gguf',
  sizeBytes: 4_683_073_536,
  architecture: 'qwen2',
  parameters: 7_615_616_512,
  quantisation: 'Q4_K_M',
  contextTokens: 32_768,
  licence: 'apache-2.0',
  name: 'Qwen 2.5 7B Instruct',
  memory: {
    neededBytes: 6_120_328_396,
    freeBytes: 21_474_836_480,
    fits: 'tight',
    method: 'file, context and buffers against free memory',
  },
  sha256: SHA.replaceAll('9', 'e') as ModelSha256,
  bundled: false,
  card: null,
})

export const listing = (now: number): Listing => ({
  venueId: VENUE,
  instrument: NANO_GRADE,
  deploymentId: DEPLOYMENT,
  ask: onePrice(ASK),
  slots: 4,
  state: 'listed',
  reason: said('First of three qualified sellers.'),
  since: now - 7_200_000,
  slotsMax: 4,
  slotsWhy: null,
  stopped: null,
  qualifiedUntil: now + 20 * 86_400_000,
  draining: null,
})

export function job(index: number, now: number, state: Job['state'], startedAt: number): Job {
  const inputTokens = 14 + Math.round(wobble(index) * 60)
  const outputTokens = 6 + Math.round(wobble(index + 50) * 50)
  const done = state === 'settled' || state === 'claimed'
  const gross = Math.floor(((inputTokens + outputTokens) * ASK) / 1e6) as Nano
  const { fee, seller } = splitFee(gross, 500)
  const held = startedAt > now - 32_000
  const ended = state !== 'running'
  return {
    venueId: VENUE,
    jobId: `job_${(index * 7_919 + 1_048_577).toString(36)}q2f9k3m8x1w5` as JobId,
    instrument: NANO_GRADE,
    sha256: SHA,
    state,
    reason:
      state === 'failed' ? because('serving.engineCrashed') : state === 'void' ? because('exchange.buyerLeft') : null,
    startedAt,
    endedAt: ended ? startedAt + 1_400 : null,
    finish: done ? 'stop' : null,
    inputTokens: done ? inputTokens : null,
    outputTokens: done ? outputTokens : null,
    enginePromptTokens: done ? inputTokens + 11 : null,
    engineCachedTokens: done ? 4 : null,
    engineGeneratedTokens: done ? outputTokens + 3 : null,
    ttftMs: done ? 21 + wobble(index) * 40 : null,
    durationMs: done ? 300 + wobble(index) * 900 : null,
    tokPerS: done ? 40 + wobble(index) * 30 : null,
    price: onePrice(ASK),
    currency: 'PCR',
    grossNano: done ? gross : null,
    feeNano: done ? fee : null,
    sellerNano: done ? seller : null,
    money: !done ? 'none' : state === 'claimed' ? 'pending' : held ? 'held' : 'available',
    releaseAt: done ? startedAt + 32_000 : null,
    powerNano: done ? 31_000 : null,
    receiptSeq: state === 'settled' ? 1_200 - index : null,
  }
}

/** Shaped like a receipt; its signatures sign nothing. */
export const receipt = (job: Job): Receipt => ({
  v: 1,
  claim: {
    v: 1,
    jobId: job.jobId,
    supplier: 'k'.repeat(43) as PublicKey,
    instrument: job.instrument,
    specVersion: 1,
    modelSha256: job.sha256,
    usage: { inputTokens: job.inputTokens ?? 0, outputTokens: job.outputTokens ?? 0 },
    timings: { ttftMs: 24, durationMs: 700 },
    requestMac: HEX,
    answerMac: HEX,
    finish: 'stop',
  },
  claimSig: 's'.repeat(86),
  seq: job.receiptSeq ?? 1,
  prev: HEX,
  realm: 'practice',
  currency: 'PCR',
  billed: { inputTokens: job.inputTokens ?? 0, outputTokens: job.outputTokens ?? 0 },
  priceNanoPerMtok: job.price.output,
  feeBps: 500,
  grossNano: job.grossNano ?? (0 as Nano),
  feeNano: job.feeNano ?? (0 as Nano),
  sellerNano: job.sellerNano ?? (0 as Nano),
  settledAt: job.startedAt + 1_500,
  releaseAt: job.startedAt + 31_500,
  exchange: 'e'.repeat(43) as PublicKey,
  exchangeSig: 'x'.repeat(86),
})
