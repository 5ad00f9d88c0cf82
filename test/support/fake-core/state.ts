/** What a Fake rig holds: plausible figures, invented, the same on every run. Times are relative to `now`. */
import type { Hardware, Home, Live, Onboarding, OwnUse, Settings } from '#contract/app.ts'
import type { Exam, ExamItemView, LimitView } from '#contract/exams.ts'
import type { GradeSpec } from '#contract/grades.ts'
import type { DeploymentId, ExamId, Instrument, JobId, ModelSha256, PublicKey } from '#contract/ids.ts'
import type { Job } from '#contract/jobs.ts'
import type { Listing } from '#contract/market.ts'
import type { Model } from '#contract/models.ts'
import type { Nano, NanoPerMtok } from '#contract/money.ts'
import type { Receipt } from '#contract/receipt.ts'
import { splitFee } from '#contract/money.ts'

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
const HEX = 'c0ffee'.padEnd(64, '4d')

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

export const hardware = (now: number): Hardware => ({
  hostname: 'workshop-pc',
  os: 'Debian 13',
  cpu: 'AMD Ryzen 7 5800X',
  cores: 16,
  memoryBytes: 34_359_738_368,
  memoryFreeBytes: 21_474_836_480,
  gpus: [{ name: 'RTX 4070', memoryBytes: 12_884_901_888, memoryFreeBytes: 3_113_851_290 }],
  at: now - 2_000,
})

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

const limit = (
  name: string,
  n: number,
  k: number,
  floor: number,
  target: number,
  state: LimitView['state'],
  low: number,
  high: number,
): LimitView => ({
  name,
  n,
  k,
  floor,
  target,
  state,
  low,
  high,
  s: state === 'passed' ? 3.1 : state === 'not-reached' ? -5.2 : 0.4,
})
const limitsNano = (running: boolean): LimitView[] => [
  limit('intelligence', 96, 82, 0.7, 0.8, 'passed', 0.741, 0.928),
  limit('time to first token', 97, 97, 0.95, 0.98, 'passed', 0.951, 1),
  limit('throughput single', 97, 96, 0.95, 0.98, 'passed', 0.948, 0.999),
  limit(
    'throughput at slots',
    running ? 32 : 97,
    running ? 31 : 97,
    0.95,
    0.98,
    running ? 'undecided' : 'passed',
    running ? 0.82 : 0.951,
    1,
  ),
  limit(
    'context and output',
    running ? 32 : 97,
    running ? 32 : 97,
    0.95,
    0.98,
    running ? 'undecided' : 'passed',
    running ? 0.888 : 0.951,
    1,
  ),
]
const limitsMicro = (): LimitView[] => [
  limit('intelligence', 64, 36, 0.6, 0.7, 'undecided', 0.41, 0.71),
  limit('family tools', 48, 12, 0.8, 0.9, 'not-reached', 0.11, 0.43),
  limit('time to first token', 97, 97, 0.95, 0.98, 'passed', 0.951, 1),
  limit('throughput single', 80, 80, 0.95, 0.98, 'undecided', 0.92, 1),
]

const FAMILIES = ['arith', 'order', 'recall', 'extract', 'follow', 'logic', 'tools', 'trace'] as const
export function items(count: number, share: number, running: number, level: 1 | 2): ExamItemView[] {
  const asked = Array.from({ length: count }, (_, index): ExamItemView => {
    const right = wobble(index + level * 400) < share
    return {
      itemId: `${FAMILIES[index % 8]}/${level}/${Math.floor(index / 8)}`,
      phase: 'items',
      right,
      reason: right ? 'right' : 'other value',
      ttftMs: 18 + wobble(index) * 30,
      tokPerS: null,
      tokens: 2 + (index % 7),
    }
  })
  const open = Array.from({ length: running }, (_, index): ExamItemView => ({
    itemId: `${FAMILIES[(count + index) % 8]}/${level}/${Math.floor((count + index) / 8)}`,
    phase: 'items',
    right: null,
    reason: '',
    ttftMs: null,
    tokPerS: null,
    tokens: null,
  }))
  return [...asked, ...open]
}

export function exam(id: ExamId, now: number, state: Exam['state']): Exam & { items: ExamItemView[] } {
  const nano = id === EXAM_NANO
  const running = state === 'running'
  const spec = specs[nano ? 0 : 1]!
  return {
    examId: id,
    instrument: spec.instrument,
    specVersion: 1,
    spec,
    deploymentId: DEPLOYMENT,
    sha256: SHA,
    modelName: 'Stoker nano Q8_0',
    state,
    evidence: 'witnessed',
    phase: running ? 'slots' : 'slots',
    done: nano ? (running ? 208 : 352) : 192,
    atMost: nano ? 400 : 192,
    limits: nano ? limitsNano(running) : limitsMicro(),
    startedAt: now - (nano ? 90_000 : 3_600_000),
    endedAt: running ? null : now - 22_000,
    validUntil: state === 'passed' ? now + 23 * 86_400_000 : null,
    attempt: 1,
    seed: running ? null : '9f3c77b1e0aa4d21',
    commitment: HEX,
    transcriptSha256: running ? null : HEX.replaceAll('4', 'b'),
    items: items(nano ? 96 : 112, nano ? 0.855 : 0.56, running ? 4 : 0, spec.level),
  }
}

export const listing = (now: number): Listing => ({
  instrument: NANO_GRADE,
  deploymentId: DEPLOYMENT,
  askNanoPerMtok: ASK,
  slots: 4,
  state: 'listed',
  reason: 'First of three qualified sellers.',
  since: now - 7_200_000,
  slotsMax: 4,
  slotsWhy: null,
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
    jobId: `job_${(index * 7_919 + 1_048_577).toString(36)}q2f9k3m8x1w5` as JobId,
    instrument: NANO_GRADE,
    sha256: SHA,
    state,
    reason:
      state === 'failed'
        ? 'The engine stopped before the answer was complete; nothing is paid.'
        : state === 'void'
          ? 'The buyer went away before the job started.'
          : '',
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
    priceNanoPerMtok: ASK,
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
  priceNanoPerMtok: job.priceNanoPerMtok,
  feeBps: 500,
  grossNano: job.grossNano ?? (0 as Nano),
  feeNano: job.feeNano ?? (0 as Nano),
  sellerNano: job.sellerNano ?? (0 as Nano),
  settledAt: job.startedAt + 1_500,
  releaseAt: job.startedAt + 31_500,
  exchange: 'e'.repeat(43) as PublicKey,
  exchangeSig: 'x'.repeat(86),
})

export function liveNow(full: boolean, now: number): Live {
  const running = full
    ? [0, 1].map((index) => ({
        jobId: `job_7q2f${index}k3m8x1w5t6y9p2a4` as JobId,
        instrument: NANO_GRADE,
        startedAt: now - 900,
        inputTokens: 42 + index * 17,
        outputTokens: 18 + index * 4,
        ttftMs: index === 0 ? 24 : null,
        tokPerS: index === 0 ? 54.2 : null,
        sellerNano: (24_600 + index * 4_100) as Nano,
        exam: false,
      }))
    : []
  return {
    at: now,
    engine: full
      ? { kind: 'loaded', model: 'Stoker nano', detail: null }
      : { kind: 'ready', model: null, detail: null },
    exchange: { kind: 'online', lastSeenAt: now - 400, detail: null },
    listing: full ? 'listed' : 'none',
    tokPerS: full ? 106.4 : 0,
    running,
    watts: {
      value: full ? 168 : 61,
      method: full ? 'read from the GPU (NVML)' : 'estimate: 16 cores × 8 W + 75 W serving, 30 % idle',
      at: now,
    },
  }
}

export function home(full: boolean, now: number): Home {
  const midnight = new Date(now).setHours(0, 0, 0, 0)
  const rung = (
    id: Home['ladder'][number]['id'],
    label: string,
    ok: boolean,
    yes: string,
    no: string,
    fix: Home['ladder'][number]['fix'],
  ): Home['ladder'][number] => ({
    id,
    label,
    state: ok ? 'yes' : 'no',
    detail: ok ? yes : no,
    fix,
  })
  return {
    at: now,
    realm: 'practice',
    currency: 'PCR',
    sentence: full
      ? 'Serving text-nano at 0.41 practice credits per million tokens. Two jobs running.'
      : 'Not earning: no model is loaded.',
    next: full ? 'your ask could rise to 0.44 and stay first' : 'load the bundled model',
    nextPage: full ? 'market' : 'models',
    cost: {
      powerNanoPerMtok: full ? (187_400_000 as Nano) : null,
      method: full ? 'measured over 1,204 jobs, 168 W (NVML) at 0.28 EUR a kWh' : '',
      askNanoPerMtok: full ? ASK : null,
      netNanoPerMtok: full ? (389_500_000 as Nano) : null,
      powerCurrency: 'EUR',
    },
    quality: full
      ? {
          instrument: NANO_GRADE,
          share: 82 / 96,
          low: 0.741,
          high: 0.928,
          floor: 0.7,
          verdict: 'passed',
          limitedBy: 'throughput, all slots',
          validUntil: now + 23 * 86_400_000,
        }
      : {
          instrument: null,
          share: null,
          low: null,
          high: null,
          floor: null,
          verdict: 'none',
          limitedBy: null,
          validUntil: null,
        },
    reliability: full
      ? {
          jobs24h: 1_204,
          failed24h: 2,
          errorRate: 2 / 1_204,
          errorCeiling: 0.01,
          provisional: false,
          connectedShare24h: 0.9994,
        }
      : { jobs24h: 0, failed24h: 0, errorRate: null, errorCeiling: null, provisional: true, connectedShare24h: null },
    today: {
      since: midnight,
      availableNano: (full ? 28_912_345 : 0) as Nano,
      heldNano: (full ? 412_870 : 0) as Nano,
      powerNano: (full ? 61_204_000 : 0) as Nano,
      jobs: full ? 911 : 0,
    },
    ladder: [
      rung('online', 'Online, seen by the exchange', true, '4 s ago', '', null),
      rung('model', 'Model ready', full, 'Stoker nano Q8_0', 'none is loaded', 'models'),
      rung('grade', 'Grade valid', full, 'text-nano, 23 days', 'no exam yet', 'exam'),
      rung('ask', 'Ask inside the book', full, '1st of 3', 'nothing is listed', 'market'),
      {
        id: 'demand',
        label: 'Demand there',
        state: full ? 'yes' : 'unknown',
        detail: full ? '38 jobs / h matched' : 'not known yet',
        fix: null,
      },
      rung('not-paused', 'Not paused by me', true, 'running', '', null),
    ],
  }
}
