/** models: deployments come and go; importing and measuring take a moment. */
import { because } from '#contract/reasons.ts'
import type { Deployment } from '#contract/models.ts'

import { VENUE } from '../venue.ts'
import { sleep } from './abortable-sleep.ts'
import { calibration, loaded, remote } from './deployments.ts'
import { closed, drained } from './listings.ts'
import { bundled, imported } from './state.ts'
import { failure, os, type FakeCoreOptions, type World } from './world.ts'

const NOT_IN_MEMORY = {
  state: 'stopped' as const,
  detail: null,
  rssBytes: null,
  processes: [],
  speed: null,
  cache: null,
}

export function modelsPart(world: World, { jobsDone }: FakeCoreOptions) {
  const { full } = world
  const changed = (deploymentId: string, change: Partial<Deployment>): Deployment => {
    const found = world.deployments.find((one) => one.deploymentId === deploymentId)
    if (found === undefined)
      throw failure('NOT_FOUND', 'This deployment does not exist any more; deploy the model again.')
    const next = { ...found, ...change }
    world.deployments = world.deployments.map((one) => (one === found ? next : one))
    return next
  }
  return {
    list: os.models.list.handler(() => (full ? [bundled(Date.now()), imported(Date.now())] : [])),
    inspect: os.models.inspect.handler(({ input }) => {
      if (!input.path.endsWith('.gguf'))
        throw failure(
          'MODEL_NOT_GGUF',
          'This file is not a GGUF model: its first bytes are not "GGUF". Choose the .gguf file itself.',
        )
      return imported(Date.now())
    }),
    import: os.models.import.handler(async function* ({ signal }) {
      for (let part = 0; part <= 4; part += 1) {
        yield { kind: 'hashing' as const, doneBytes: part * 1e9, totalBytes: 4e9 }
        await sleep(150, signal)
      }
      yield { kind: 'done' as const, model: imported(Date.now()) }
    }),
    remove: os.models.remove.handler(() => ({ removed: true })),
    deployments: os.models.deployments.handler(() => world.deployments),
    deploy: os.models.deploy.handler(({ input: { settings } }) => {
      const [slots, context] = [settings?.slots ?? 4, settings?.contextTokens ?? 1_024]
      if (slots * context > 1_000_000)
        throw failure(
          'ENGINE_OUT_OF_MEMORY',
          `Not enough memory for ${slots} slots of ${context} tokens. Use fewer slots, a shorter context or a smaller model.`,
          {
            slots: 1,
            contextTokens: context,
          },
        )
      return loaded(Date.now())
    }),
    unload: os.models.unload.handler(({ input }) => changed(input.deploymentId, NOT_IN_MEMORY)),
    retryEngine: os.models.retryEngine.handler(() => ({ state: 'starting' })),
    keepWarm: os.models.keepWarm.handler(({ input }) =>
      changed(input.deploymentId, { idleUnloadMs: input.idleUnloadMs }),
    ),
    calibration: os.models.calibration.handler(
      ({ input }) => world.calibrations.find(({ sha256 }) => sha256 === input.sha256) ?? null,
    ),
    calibrate: os.models.calibrate.handler(async function* ({ input, signal }) {
      for (let done = 0; done <= 4; done += 1) {
        yield { kind: 'measuring' as const, done, of: 4 }
        await sleep(150, signal)
      }
      const measured = { ...calibration(Date.now()), sha256: input.sha256, at: Date.now() }
      world.calibrations = [...world.calibrations.filter(({ sha256 }) => sha256 !== input.sha256), measured]
      yield { kind: 'done' as const, calibration: measured }
    }),
    remoteModels: os.models.remoteModels.handler(({ input }) => {
      if (!input.url.includes('lab'))
        throw failure(
          'ENGINE_UNREACHABLE',
          `${input.url} does not answer. Is the server running, and is this its address?`,
        )
      return [
        { id: 'llama-3.3-70b-instruct', contextTokens: 8_192 },
        { id: 'bge-m3', contextTokens: null },
      ]
    }),
    connectRemote: os.models.connectRemote.handler(({ input }) => {
      const endpoints = input.endpoints.map(({ url, key, slots }) => ({ url, slots, hasKey: key !== null }))
      const slots = endpoints.reduce((sum, endpoint) => sum + endpoint.slots, 0)
      const made = remote(Date.now())
      const processes = endpoints.map(({ url, slots: many }) => ({
        pid: null,
        name: url,
        state: 'loaded' as const,
        rssBytes: 0,
        running: 0,
        slots: many,
        threads: 0,
      }))
      const deployment = {
        ...made,
        processes,
        engine: { kind: 'remote' as const, model: input.model, endpoints },
        settings: { ...made.settings, contextTokens: input.contextTokens, slots },
      }
      world.deployments = [
        ...world.deployments.filter(({ deploymentId }) => deploymentId !== made.deploymentId),
        deployment,
      ]
      return deployment
    }),
    handBack: os.models.handBack.handler(async ({ input: { rule }, signal }) => {
      const began = Date.now()
      const paused = world.listings.map(({ instrument }) => instrument)
      world.listings = world.listings.map((one) =>
        closed(one, because('listing.handedBack'), rule === 'now' ? 0 : world.accepted, Date.now()),
      )
      const resumed = (): boolean => world.listings.some(({ state }) => state === 'listed')
      // Jobs that nobody ends take two seconds.
      if (rule === 'now') await sleep(300, signal)
      else
        for (
          let looked = 0;
          looked < (jobsDone === undefined ? 20 : 600) && world.accepted > 0 && !resumed();
          looked += 1
        )
          await sleep(100, signal)
      const nothing = { handedOff: 0, failed: 0, notEarned: [], lostTokens: 0 }
      const tookMs = Date.now() - began
      // Resumed meanwhile: called off.
      if (resumed()) return { tookMs, unloaded: 0, ...nothing, paused }
      const unloaded = world.deployments.filter(({ state }) => state === 'loaded').length
      world.deployments = world.deployments.map((one) => (one.state === 'loaded' ? { ...one, ...NOT_IN_MEMORY } : one))
      world.listings = drained(world.listings)
      return {
        tookMs,
        unloaded,
        ...(rule === 'now'
          ? {
              handedOff: 1,
              failed: 1,
              notEarned: [{ venueId: VENUE, currency: 'PCR' as const, sellerNano: 24_600 }],
              lostTokens: 63,
            }
          : nothing),
        paused,
      }
    }),
  }
}
