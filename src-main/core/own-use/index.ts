/**
 * The owner's own use of the engines over HTTP: off until switched on, on 127.0.0.1, with a key. A port that is taken
 * is reported and fails nothing else.
 */
import type { OwnUse } from '#contract/app.ts'
import { StokerError } from '#contract/errors.ts'
import { because, type Reason } from '#contract/reasons.ts'
import type { CoreContext } from '#core/core-context.ts'
import { serial } from '#lib/serial.ts'

import { createGivenBack } from './given-back.ts'
import { keyHash, newKey, sameKey } from './own-use-key.ts'
import { readOwnUse, writeOwnUse, type OwnUseRow } from './own-use.store.ts'
import type { EndpointOptions, EndpointPort } from './own-use.port.ts'
import { createOwnUseService, type OwnUseDeployments } from './own-use-service.ts'

export type { OwnUseDeployments } from './own-use-service.ts'

export type OwnUseContext = Pick<CoreContext, 'os' | 'rigDb' | 'clock' | 'ids' | 'log' | 'events'>

type Open = Awaited<ReturnType<EndpointPort['open']>>

/**
 * What hinders it where it does not open. The key is asked for with every call: a renewed one holds at
 * once.
 */
async function tryOpen(
  endpoint: EndpointPort | null,
  { row, service, log }: Pick<OwnUseContext, 'log'> & { row: () => OwnUseRow; service: EndpointOptions['service'] },
): Promise<Open | { problem: Reason }> {
  const { port, keyHash: hash } = row()
  if (hash === null) return { problem: because('ownUse.noKey') }
  if (endpoint === null) return { problem: because('ownUse.noEndpoint') }
  try {
    return await endpoint.open({ port, accepts: (key) => sameKey(key, row().keyHash), service })
  } catch (error) {
    log.warn({ err: error, port }, 'own use does not listen')
    return { problem: error instanceof StokerError ? error.reason : because('ownUse.couldNotStart') }
  }
}

/** `endpoint` is null where the process around the core has none. */
export function createOwnUse(context: OwnUseContext, deployments: OwnUseDeployments, endpoint: EndpointPort | null) {
  const { os, rigDb, clock, ids, log, events } = context
  const givenBack = createGivenBack(context, deployments)
  const service = createOwnUseService(context, deployments, givenBack)
  let row = readOwnUse(rigDb.read)
  let open: Open | null = null
  let problem: Reason | null = null
  let stopped = false
  /** One after the other: two changes at once would both open the port. */
  const turns = serial()

  const view = (): OwnUse => ({
    enabled: row.enabled,
    port: row.port,
    url: open?.url ?? null,
    problem,
    keyMadeAt: row.keyMadeAt,
  })

  const reopen = async (): Promise<void> => {
    await open?.close()
    open = null
    problem = null
    if (stopped || !row.enabled) return
    const opened = await tryOpen(endpoint, { row: () => row, service, log })
    if ('problem' in opened) problem = opened.problem
    else open = opened
  }
  /** Errors: UNAVAILABLE when too many changes wait. */
  const apply = (): Promise<void> =>
    turns.run(async () => {
      await reopen().catch((error: unknown) => log.error({ err: error }, 'own use could not be changed'))
      events.changed('own-use')
    })
  const store = (change: Partial<OwnUseRow>): void => {
    const next = { ...row, ...change }
    rigDb.tx((db) => writeOwnUse(db, next))
    row = next
  }

  const calls = {
    view,
    /** Stores the change and puts it into effect; what hinders it is shown as `problem`. */
    async change({ enabled, port }: { enabled?: boolean | undefined; port?: number | undefined }): Promise<OwnUse> {
      store({ ...(enabled === undefined ? {} : { enabled }), ...(port === undefined ? {} : { port }) })
      await apply()
      return view()
    },
    /** The key before stops working at once; answers under way go on. */
    async renewKey(): Promise<string> {
      const key = newKey(ids)
      store({ keyHash: keyHash(key), keyMadeAt: clock.now() })
      if (open === null) await apply()
      else events.changed('own-use')
      return key
    },
  }
  return {
    ...calls,
    service,
    givenBack,
    api: {
      ownUse: os.app.ownUse.handler(() => calls.view()),
      setOwnUse: os.app.setOwnUse.handler(({ input }) => calls.change(input)),
      ownUseKey: os.app.ownUseKey.handler(async () => ({ key: await calls.renewKey() })),
    },
    start: (): void => void apply(),
    async stop(): Promise<void> {
      stopped = true
      service.stop()
      givenBack.stop()
      // What waits closes it too, but this must not be refused.
      await turns.idle()
      await apply()
    },
  }
}
