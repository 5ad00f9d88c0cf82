/** What must succeed before something is sold again. Each says what is still wrong, null when all is well, and never throws. */
import { fail, StokerError } from '#contract/errors.ts'
import type { EngineRequest } from '#contract/inference.ts'
import { because, said, type Reason } from '#contract/reasons.ts'
import type { Clock } from '#contract/time.ts'
import { SECOND_MS } from '#contract/time.ts'
import type { DeploymentsService } from '#core/core-context.ts'
import type { ModelsService } from '#core/models/index.ts'
import type { Storage } from '#core/storage/index.ts'
import type { Db } from '#db/db-types.ts'
import type { IdSource } from '#lib/id-source.ts'
import { within } from '#lib/within.ts'

import type { Trip } from './breaker.ts'
import { markChecked } from './breaker.store.ts'
import { GENERATE_MS, TRIGGERS } from './triggers.ts'

export interface SelfCheckDeps {
  clock: Clock
  ids: IdSource
  deployments: Pick<DeploymentsService, 'engine' | 'loaded' | 'restartBroken'>
  models: Pick<ModelsService, 'ready'>
  /** The database of a venue, the machine's own for ''; null when there is no such venue. */
  dbOf(this: void, subject: string): Db | null
  /** How much of a deployment lies in main memory since it spilled, bytes, counted now; null where nobody can say. */
  spilled(this: void, deploymentId: string): Promise<number | null>
  books: Pick<Storage, 'look' | 'gone'>
  /** The path of the seller's key where it is gone or another; null when it stands. */
  keyGone(this: void): Promise<string | null>
}

const MIB = 1_048_576

/** The end of text is masked, so that a working engine gives exactly so many tokens whatever the model thinks of it. */
const SHORT: EngineRequest = {
  messages: [{ role: 'user', content: 'Say a few words.' }],
  maxTokens: 4,
  sampling: { temperature: 0, topP: 1, topK: 40, minP: 0 },
  stop: [],
  ignoreEos: true,
}

/** A short answer through the engine, before every other work: as real as a job's, and of no buyer's text. */
async function generate({ deployments, clock, ids }: SelfCheckDeps, deploymentId: string): Promise<Reason | null> {
  await deployments.restartBroken(deploymentId)
  const engine = deployments.engine(deploymentId)
  // Taken out of memory by its owner: nothing is sold through it, and nothing is left to try.
  if (engine === null) return null
  if (deployments.loaded(deploymentId) === null) return because('breaker.notLoaded')
  const jobId = ids.next('check')
  const ended = new Promise<Reason | null>((resolve) => {
    let heard = false
    engine.submit(
      jobId,
      SHORT,
      {
        onDelta: () => (heard = true),
        onDone: ({ usage }) => resolve(heard && usage.generatedTokens > 0 ? null : because('breaker.nothingGenerated')),
        onError: ({ code }) => resolve(because('breaker.checkFailed', { code })),
      },
      { priority: 'own', deadlineMs: GENERATE_MS },
    )
  })
  try {
    return await within(clock, GENERATE_MS, ended, () => fail('engine.silent', { seconds: GENERATE_MS / SECOND_MS }))
  } catch {
    engine.cancel(jobId)
    return because('breaker.noAnswer', { seconds: GENERATE_MS / SECOND_MS })
  }
}

/** The whole file, unless it has the stamp it was stored with. */
async function hash({ models }: SelfCheckDeps, sha256: string): Promise<Reason | null> {
  try {
    await models.ready(sha256)
    return null
  } catch (error) {
    return error instanceof StokerError ? error.reason : because('failure.unknown')
  }
}

/** A commit, beside what the system says of the files: a file may be writable by the one and not by the other. */
function write({ dbOf, books, clock }: SelfCheckDeps, subject: string): Reason | null {
  const db = dbOf(subject)
  if (db === null) return null
  const trouble = books.look(db)
  if (trouble !== null) return trouble
  db.tx((write) => markChecked(write, clock.now()))
  return null
}

function look({ books }: SelfCheckDeps): Reason | null {
  const path = books.gone()
  return path === null ? null : because('breaker.folderGone', { path })
}

/** It may be sold again once the part is back, or once it was loaded anew; what nobody can count is not believed. */
async function count({ spilled, deployments }: SelfCheckDeps, deploymentId: string): Promise<Reason | null> {
  if (deployments.loaded(deploymentId) === null) return because('breaker.notLoaded')
  const bytes = await spilled(deploymentId)
  if (bytes === null) return because('breaker.notMeasured')
  return bytes === 0 ? null : because('breaker.stillSpilled', { mib: Math.round(bytes / MIB) })
}

async function key({ keyGone }: SelfCheckDeps): Promise<Reason | null> {
  const path = await keyGone()
  return path === null ? null : because('breaker.keyGone', { path })
}

export async function selfCheck(
  deps: SelfCheckDeps,
  { kind, subject }: Pick<Trip, 'kind' | 'subject'>,
): Promise<Reason | null> {
  const checks = { generate, hash, write, look, key, count } as const
  try {
    return await checks[TRIGGERS[kind].check](deps, subject)
  } catch (error) {
    return error instanceof StokerError ? error.reason : said(error instanceof Error ? error.message : String(error))
  }
}
