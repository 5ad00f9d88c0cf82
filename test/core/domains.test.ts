/** Domains need each other: none may be asked before all are built, and then every link leads to its domain. */
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { createBooks } from '#books/books.ts'
import type { CoreContext, VenueContext } from '#core/core-context.ts'
import { createLinks, type DomainLinks, type LinkedDomains } from '#core/domain-links.ts'
import { createDomains } from '#core/domains.ts'
import { realmMigrations } from '#core/realm-db/index.ts'
import { openDb } from '#db/open.ts'
import { generateSigningKey } from '#lib/ed25519.ts'
import { late } from '#lib/late.ts'
import { createFakeEngines } from '#test/support/fake-engines.ts'
import { FakeExchange } from '#test/support/fake-exchange.ts'
import { rigContext, type RigContext } from '#test/support/rig-context.ts'
import { VENUE_FACTS } from '#test/support/venue.ts'
import { inEnglish } from '#test/support/in-english.ts'

const SHA256 = 'a'.repeat(64)

/** One call of each link with what it answers on an empty rig; a new link without a line here does not compile. */
const CALLS: { [Link in keyof DomainLinks]: (links: DomainLinks) => unknown } = {
  modelInUse: (links) => links.modelInUse(SHA256),
  modelLoaded: (links) => links.modelLoaded(SHA256),
  removeRemote: (links) => links.removeRemote(SHA256),
  inUse: (links) => links.inUse('dep_1'),
  handBack: (links) => links.handBack('now'),
  runningJobs: (links) => links.runningJobs(),
  recordRemaining: (links) => links.recordRemaining(),
  slotsOf: (links) => links.slotsOf('dep_1'),
}
const ANSWERS: { [Link in keyof DomainLinks]: unknown } = {
  modelInUse: null,
  modelLoaded: false,
  removeRemote: false,
  inUse: null,
  handBack: { tookMs: 0, unloaded: 0, handedOff: 0, failed: 0, notEarned: [], lostTokens: 0, paused: [] },
  runningJobs: 0,
  recordRemaining: undefined,
  slotsOf: null,
}
const LINKS = Object.keys(CALLS) as (keyof DomainLinks)[]

let rig: RigContext
let context: CoreContext
let venue: VenueContext
beforeEach(() => {
  rig = rigContext()
  context = {
    ...rig,
    books: createBooks(),
    engines: createFakeEngines(),
    host: { mode: 'headless', notify: () => undefined },
    key: generateSigningKey(),
    version: '0',
    bundledModelsDir: join(rig.dataDir, 'none'),
  }
  venue = {
    ...context,
    ...VENUE_FACTS,
    realmDb: openDb({ path: join(rig.dataDir, 'practice.db'), migrations: realmMigrations }),
    venue: new FakeExchange().port(),
  }
})
afterEach(() => {
  venue.realmDb.close()
  rig.dispose()
})

describe('domains that need each other', () => {
  it.each(LINKS)('%s leads to its domain as soon as the core is composed', async (link) => {
    const { links } = createDomains(context, [venue], {})
    expect(await CALLS[link](links)).toEqual(ANSWERS[link])
  })

  it.each(LINKS)('%s asked while the core is still being composed is an error with a name', (link) => {
    const links = createLinks(late<LinkedDomains>('a domain of the core'))
    expect(() => CALLS[link](links)).toThrow('a domain of the core cannot be asked before everything is built')
  })

  it('a listing, an exam and a running job each keep a deployment in memory, and say so', () => {
    const linked = late<LinkedDomains>('a domain of the core')
    const links = createLinks(linked)
    const real = createDomains(context, [venue], {}).domains
    const busy = { listed: true, examined: true, working: 1 }
    linked.set({
      deployments: real.deployments,
      // Another venue beside it that wants nothing.
      venues: [
        ...real.venues,
        {
          listings: {
            all: () =>
              busy.listed
                ? [{ deploymentId: 'dep_1', state: 'listed', instrument: 'practice/text-nano' } as never]
                : [],
          },
          exams: { examining: () => (busy.examined ? 'dep_1' : null) },
          jobs: { live: () => [], runningOn: () => busy.working, recordRemaining: () => undefined },
        },
      ],
      handBack: real.handBack,
    })
    expect(inEnglish(links.inUse('dep_1'))).toMatch(/listed for practice\/text-nano/)
    busy.listed = false
    expect(inEnglish(links.inUse('dep_1'))).toMatch(/exam runs/)
    busy.examined = false
    expect(inEnglish(links.inUse('dep_1'))).toMatch(/serving a job/)
    busy.working = 0
    expect(links.inUse('dep_1')).toBeNull()
  })
})
