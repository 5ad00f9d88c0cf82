/**
 * Deployments of a Fake rig: on this machine, on a lab's servers, and one that did not fit. Invented, as everything
 * here.
 */
import { because, said } from '#contract/reasons.ts'
import type { DeploymentId, ModelSha256 } from '#contract/ids.ts'
import type { CalibrationView, Deployment } from '#contract/models.ts'

import { DEPLOYMENT, imported, SHA } from './state.ts'

export const loaded = (now: number): Deployment => ({
  deploymentId: DEPLOYMENT,
  sha256: SHA,
  modelName: 'Stoker nano',
  engine: { kind: 'local' },
  settings: {
    contextTokens: 1_024,
    slots: 4,
    threads: 2,
    gpuLayers: 0,
    processes: 1,
    gpus: 'together',
    kvType: 'f16',
    flashAttention: 'auto',
    batchTokens: 512,
  },
  createdAt: now - 86_400_000,
  state: 'loaded',
  detail: said('CPU: AMD Ryzen 7 5800X'),
  rssBytes: 186_646_528,
  processes: [
    { pid: 4_711, name: 'process 1 of 1', state: 'loaded', rssBytes: 186_646_528, running: 2, slots: 4, threads: 2 },
  ],
  idleUnloadMs: null,
  speed: { promptTokensPerSecond: 9_420, perStream: [212.4, 171.9, 138.2, 110.6] },
  cache: { cachedTokens: 41_280, evaluatedTokens: 18_944 },
  smaller: null,
})
/** A second GPU beside the first. */
/** Loaded before the machine was measured: other settings were found faster since. */
export const slower = (now: number): Deployment => ({
  ...loaded(now),
  settings: { ...loaded(now).settings, gpuLayers: 1_000 },
  detail: said('GPU: RTX 4070, RTX 4070'),
  measured: { processes: 2, threads: 14, batchTokens: 512, gpus: 'each' },
})
/** On two servers of a lab: one of them is away. */
export const remote = (now: number): Deployment => ({
  ...loaded(now),
  deploymentId: 'dep_8r4t6y2u1i0p' as DeploymentId,
  sha256: SHA.replaceAll('9', 'd') as ModelSha256,
  modelName: 'llama-3.3-70b-instruct on gpu1.lab:8000 and gpu2.lab:8000',
  engine: {
    kind: 'remote',
    model: 'llama-3.3-70b-instruct',
    endpoints: [
      { url: 'https://gpu1.lab:8000', hasKey: true, slots: 8 },
      { url: 'https://gpu2.lab:8000', hasKey: true, slots: 8 },
    ],
  },
  settings: { ...loaded(now).settings, contextTokens: 8_192, slots: 16, threads: 1 },
  detail: said('https://gpu1.lab:8000'),
  rssBytes: 0,
  processes: [
    { pid: null, name: 'https://gpu1.lab:8000', state: 'loaded', rssBytes: 0, running: 3, slots: 8, threads: 0 },
    { pid: null, name: 'https://gpu2.lab:8000', state: 'unreachable', rssBytes: 0, running: 0, slots: 8, threads: 0 },
  ],
  idleUnloadMs: 1_800_000,
  speed: { promptTokensPerSecond: 2_100, perStream: [48.1, 44.7, 40.2] },
})
/** Did not fit beside the others. */
export const failed = (now: number): Deployment => ({
  ...loaded(now),
  deploymentId: 'dep_5g2h8j4k7l1z' as DeploymentId,
  sha256: imported(now).sha256,
  modelName: 'Qwen 2.5 7B Instruct',
  settings: { ...loaded(now).settings, contextTokens: 4_096, threads: 16 },
  state: 'failed',
  detail: because('memory.notEnough', {
    slots: 4,
    contextTokens: 4_096,
    each: 'no',
    needed: 7.4,
    limit: 'free',
    free: 5.1,
    others: 1,
    names: 'Stoker nano',
    smallerSlots: 1,
    smallerContext: 4_096,
  }),
  rssBytes: null,
  processes: [],
  speed: null,
  cache: null,
  smaller: { contextTokens: 4_096, slots: 1 },
})

export const calibration = (now: number): CalibrationView => ({
  sha256: imported(now).sha256,
  machine: 'AMD Ryzen 7 5800X, 16 cores, RTX 4070',
  at: now - 3_600_000,
  processes: 2,
  threads: 14,
  batchTokens: 512,
  promptTokensPerSecond: 512.3,
  quiet: true,
  gpus: 'together',
  onGpu: false,
  points: [1, 2].flatMap((processes) =>
    [8, 14, 16].flatMap((threads) =>
      [1, 4].map((streams) => ({
        processes,
        threads,
        streams,
        tokensPerSecond: Math.round((6 + (threads === 14 ? 2 : threads / 10) + processes) * streams * 7.3) / 10,
      })),
    ),
  ),
})
