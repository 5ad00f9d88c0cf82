/** The console itself: hello, what changed, live values, home, settings, first run. */
import { eventIterator } from '@orpc/contract'
import { z } from 'zod'

import { POWER_CURRENCIES } from './power-currencies.ts'
import {
  currency,
  epochMs,
  instrument,
  jobId,
  nanoSigned,
  ofVenue,
  prices,
  realm,
  reason,
  timeZone,
  tokens,
  unit,
  venueId,
} from './primitives.ts'
import { method } from './scope.ts'

export const topics = z.enum([
  'models',
  'deployments',
  'exams',
  'market',
  'listing',
  'jobs',
  'earnings',
  'settings',
  'onboarding',
  'engine',
  'hardware',
  'exchange',
  'power',
  'own-use',
  'backup',
])
export type Topic = z.infer<typeof topics>

/** A value and how it was come by; `at` is when it was measured. */
const measured = z.object({ value: z.number(), method: z.string().max(120), at: epochMs })

/** Sizes in bytes; every figure null where nobody could say it, and why is among the notes. */
const deviceMemory = z.object({ totalBytes: z.number(), freeBytes: z.number() })
export const hardwareDevice = z.object({
  /** The name its driver, or else the engine, gives it. */
  id: z.string().max(120),
  name: z.string().max(200),
  /** As the engine sees it; null where it does not. */
  engine: z
    .object({
      backend: z.string().max(40),
      /** Its memory is main memory. */
      integrated: z.boolean(),
      memory: deviceMemory.nullable(),
      at: epochMs,
    })
    .nullable(),
  /** As its driver says it; null where no driver does. */
  driver: z
    .object({
      source: z.enum(['nvml', 'amdgpu', 'intel', 'windows']),
      memory: deviceMemory.extend({ usedBytes: z.number() }).nullable(),
      at: epochMs,
    })
    .nullable(),
  /** Main memory that it uses: apart from its own, and much slower. */
  shared: z.object({ usedBytes: z.number(), totalBytes: z.number().nullable() }).nullable(),
  /** Processes that hold its memory, the largest first; null where nobody says. */
  users: z
    .array(
      z.object({
        pid: z.number().int(),
        name: z.string().max(80),
        bytes: z.number().nullable(),
        sharedBytes: z.number().nullable(),
        /** Of Stoker. */
        ours: z.boolean(),
      }),
    )
    .max(32)
    .nullable(),
  temperatureC: z.number().nullable(),
  watts: z.number().nullable(),
  limitWatts: z.number().nullable(),
  /** The least that was free while jobs ran, since a model was loaded last. */
  leastFreeBytes: z.number().nullable(),
  /** Where system and engine disagree, and what could not be read. */
  notes: z.array(reason).max(16),
})
export type HardwareDevice = z.infer<typeof hardwareDevice>

export const hardware = z.object({
  hostname: z.string(),
  os: z.string(),
  cpu: z.string(),
  cores: z.number().int(),
  memoryBytes: z.number(),
  memoryFreeBytes: z.number(),
  gpus: z.array(
    z.object({ name: z.string(), memoryBytes: z.number().nullable(), memoryFreeBytes: z.number().nullable() }),
  ),
  /** GPUs, each once: as the engine sees it, beside what its driver says. */
  devices: z.array(hardwareDevice).max(64),
  /** What concerns all of them: an engine that could not be asked, a driver that is gone. */
  notes: z.array(reason).max(16),
  at: epochMs,
})
export type Hardware = z.infer<typeof hardware>

export const liveJob = z.object({
  venueId,
  jobId,
  instrument,
  startedAt: epochMs,
  inputTokens: tokens,
  outputTokens: tokens,
  ttftMs: z.number().nullable(),
  tokPerS: z.number().nullable(),
  sellerNano: nanoSigned,
  exam: z.boolean(),
})
export type LiveJob = z.infer<typeof liveJob>

/** Sent at once and then every second while something runs, at least every 5 s. No prompt text. */
export const live = z.object({
  at: epochMs,
  engine: z.object({
    kind: z.enum(['stopped', 'starting', 'ready', 'loaded', 'silent', 'backoff', 'broken']),
    /** Its name; null where none is in memory, or several are (`models` says how many). */
    model: z.string().nullable(),
    models: z.number().int(),
    detail: reason.nullable(),
  }),
  venues: z
    .array(
      z.object({
        venueId,
        kind: z.enum(['connecting', 'online', 'offline', 'stopped']),
        lastSeenAt: epochMs.nullable(),
        detail: reason.nullable(),
        /** What keeps it offline: `credential` until the owner acts, `network` is tried again. Null otherwise. */
        cause: z.enum(['network', 'credential']).nullable(),
        listing: z.enum(['none', 'listed', 'paused', 'waiting']),
      }),
    )
    .max(16),
  tokPerS: z.number(),
  running: z.array(liveJob).max(64),
  watts: measured.nullable(),
})
export type Live = z.infer<typeof live>

/** One rung of "why am I (not) earning": the first `no` is what to mend. */
export const rung = z.object({
  id: z.enum(['online', 'model', 'grade', 'ask', 'demand', 'not-paused', 'engine']),
  state: z.enum(['yes', 'no', 'unknown']),
  detail: reason,
  fix: z.enum(['models', 'exam', 'market', 'settings']).nullable(),
})

export const home = z.object({
  venueId,
  at: epochMs,
  realm,
  currency,
  /** One true sentence in the seller's words, and what to do next. */
  sentence: reason,
  next: reason.nullable(),
  nextPage: z.enum(['models', 'exam', 'market', 'jobs', 'earnings', 'settings', 'welcome']).nullable(),
  cost: z.object({
    /** Electricity, in nano-units of the owner's power currency per million billed tokens; null before anything ran. */ powerNanoPerMtok:
      nanoSigned.nullable(),
    method: z.string(),
    ask: prices.nullable(),
    net: prices.nullable(),
    powerCurrency: z.string(),
  }),
  quality: z.object({
    instrument: instrument.nullable(),
    share: z.number().nullable(),
    low: z.number().nullable(),
    high: z.number().nullable(),
    floor: z.number().nullable(),
    verdict: z.enum(['passed', 'not-reached', 'undecided', 'none']),
    limitedBy: z.string().nullable(),
    validUntil: epochMs.nullable(),
  }),
  reliability: z.object({
    jobs24h: z.number().int(),
    failed24h: z.number().int(),
    errorRate: z.number().nullable(),
    errorCeiling: z.number().nullable(),
    provisional: z.boolean(),
    connectedShare24h: z.number().nullable(),
  }),
  /**
   * The viewer's day so far; settled is released and held together is never shown as one: they come apart here.
   */
  today: z.object({
    since: epochMs,
    /** Whose calendar says where the day begins. */
    zone: z.string(),
    availableNano: nanoSigned,
    heldNano: nanoSigned,
    /** Null without a price for electricity. */ powerNano: nanoSigned.nullable(),
    jobs: z.number().int(),
  }),
  ladder: z.array(rung),
})
export type Home = z.infer<typeof home>

export const settings = z.object({
  rigName: z.string().min(1).max(80),
  /** Price per kWh in nano-units of `powerCurrency`; null until the owner says. */
  kwhPriceNano: z.number().int().min(0).max(1e12).nullable(),
  powerCurrency: z.enum(POWER_CURRENCIES),
  /** The owner's estimate when watts cannot be read: whole machine while serving, and idle. */
  wattsServing: z.number().min(0).max(20_000).nullable(),
  wattsIdle: z.number().min(0).max(20_000).nullable(),
  theme: z.enum(['system', 'light', 'dark']),
  closeToTray: z.enum(['ask', 'tray', 'quit']),
})
export type Settings = z.infer<typeof settings>

/** First run; skippable and resumable. `earned` is set by the first held amount. */
export const onboarding = z.object({
  step: z.enum(['welcome', 'hardware', 'power', 'model', 'exam', 'ask', 'earning', 'done']),
  skipped: z.boolean(),
  startedAt: epochMs.nullable(),
  firstEarningAt: epochMs.nullable(),
})
export type Onboarding = z.infer<typeof onboarding>

/**
 * The owner's own use: an OpenAI-compatible endpoint on 127.0.0.1 over the same engines. Off until switched on; every
 * call needs the key.
 */
export const ownUse = z.object({
  enabled: z.boolean(),
  port: z.number().int(),
  /** Where clients connect (…/v1); null while off or failed. */
  url: z.string().nullable(),
  /** Why it does not listen though switched on. */
  problem: reason.nullable(),
  /** When the key was made; the key itself is shown once and kept as a hash. */
  keyMadeAt: epochMs.nullable(),
})
export type OwnUse = z.infer<typeof ownUse>

/** Something through which Stoker sells nothing now, and what has to succeed before it does again. */
export const stoppage = z.object({
  /** Of the table of triggers. */
  kind: z.enum([
    'own-faults',
    'silent-engine',
    'memory-spill',
    'broken-engine',
    'changed-file',
    'books-not-writable',
    'folder-gone',
    'key-gone',
  ]),
  /** A deployment, a model's hash or a venue; empty for the whole rig. */
  subject: z.string().max(200),
  reason,
  since: epochMs,
  /** Self-checks that failed, and what the last one found. */
  checks: z.number().int(),
  found: reason.nullable(),
  nextCheckInMs: z.number().int(),
})
export type Stoppage = z.infer<typeof stoppage>
/** What happened to this machine: `breaker.stopped`, `breaker.failed`, `breaker.passed`, `breaker.byHand`, and `device.…` of its GPUs. */
export const recordedEvent = z.object({
  at: epochMs,
  what: z.string().max(60),
  subject: z.string().max(300),
  reason,
})
export type RigEventView = z.infer<typeof recordedEvent>

export const appContract = {
  hello: method('read', []).output(
    z.object({
      version: z.string(),
      contractHash: z.string(),
      mode: z.enum(['desktop', 'headless']),
      /** The markets of this rig, the oldest first. */
      venues: z.array(z.object({ venueId, driver: z.string(), realm, unit })).max(16),
      now: epochMs,
      dataDir: z.string(),
      /** What follows a command of the terminal that means this folder: ` --data DIR`, or nothing. */
      dataOption: z.string(),
      exchangeUrl: z.string().nullable(),
      /** Whether a crash writes the memory of this rig's processes to disk, prompts among it. */
      coreDumps: z.enum(['off', 'on', 'unknown']),
    }),
  ),
  /** What changed: re-read through queries. Never carries state. */
  events: method('read', []).output(
    eventIterator(z.object({ topic: topics, venueId: venueId.nullable(), version: z.number().int() })),
  ),
  live: method('read', []).output(eventIterator(live)),
  /** Why Stoker itself sells nothing, or less; what was recorded of it, the newest first, at most 100. */
  stoppages: method('read', []).output(
    z.object({ open: z.array(stoppage).max(1_000), recorded: z.array(recordedEvent).max(100) }),
  ),
  /** `zone`: whose day is meant by today; UTC without one. */
  home: method('read', ['NOT_FOUND'])
    .input(z.object({ venueId, zone: timeZone.default('UTC') }))
    .output(home),
  hardware: method('read', []).output(hardware),
  power: method('read', []).output(
    z.object({ watts: measured.nullable(), idle: measured.nullable(), methods: z.array(z.string()) }),
  ),
  settings: method('read', []).output(settings),
  updateSettings: method('money', []).input(settings.partial()).output(settings),
  ownUse: method('read', []).output(ownUse),
  setOwnUse: method('money', [])
    .input(z.object({ enabled: z.boolean().optional(), port: z.number().int().min(1_024).max(65_535).optional() }))
    .output(ownUse),
  /** A new key; the one before stops working. */
  ownUseKey: method('money', []).output(z.object({ key: z.string() })),
  onboarding: method('read', []).output(onboarding),
  updateOnboarding: method('operate', [])
    .input(onboarding.pick({ step: true, skipped: true }).partial())
    .output(onboarding),
  /** Runs in slices beside everything else; ended by ending the call. One at a time. */
  ledgerCheck: method('read', ['NOT_FOUND'])
    .input(ofVenue)
    .output(
      z.object({
        venueId,
        ok: z.boolean(),
        problems: z.array(z.string()),
        notCompared: z.array(z.string()),
        accounts: z.number().int(),
        transfers: z.number().int(),
        receipts: z.number().int(),
        comparedWithExchange: z.boolean(),
      }),
    ),
  /** Rows read of the part that the check under way is at, and about how many there are; null when none runs. */
  ledgerProgress: method('read', ['NOT_FOUND'])
    .input(ofVenue)
    .output(z.object({ part: z.string().max(60), done: z.number().int(), of: z.number().int() }).nullable()),
}
