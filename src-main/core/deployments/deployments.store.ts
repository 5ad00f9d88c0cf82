/** Stored deployments; several may be wanted in memory. */
import { z } from 'zod'

import type { DeploymentId, ModelSha256 } from '#contract/ids.ts'
import type { EpochMs } from '#contract/time.ts'
import type { ReadDb, WriteDb } from '#db/db-types.ts'

import type { DeploymentSettings } from './deployments.ts'
import type { RemoteModel } from './remote-deployment.ts'

const DEPLOYMENTS_MAX = 1_000

export interface StoredDeployment {
  deploymentId: DeploymentId
  sha256: ModelSha256
  /** Null for a local one. */
  remote: RemoteModel | null
  settings: DeploymentSettings
  idleUnloadMs: number | null
  createdAt: EpochMs
  wantedSince: EpochMs | null
}
interface Row {
  deployment_id: string
  sha256: string
  remote: string | null
  context_tokens: number
  slots: number
  threads: number
  gpu_layers: number
  processes: number
  gpus: DeploymentSettings['gpus']
  kv_type: DeploymentSettings['kvType']
  flash_attention: DeploymentSettings['flashAttention']
  batch_tokens: number
  idle_unload_ms: number | null
  created_at: number
  wanted_since: number | null
}

const SETTINGS = [
  'context_tokens',
  'slots',
  'threads',
  'gpu_layers',
  'processes',
  'gpus',
  'kv_type',
  'flash_attention',
  'batch_tokens',
] as const
const COLUMNS = `deployment_id, sha256, remote, ${SETTINGS.join(', ')}, idle_unload_ms, created_at, wanted_since`

const remoteModel = z.object({ model: z.string(), servers: z.array(z.object({ url: z.string(), slots: z.number() })) })

const toStored = (row: Row): StoredDeployment => ({
  deploymentId: row.deployment_id as DeploymentId,
  sha256: row.sha256 as ModelSha256,
  remote: row.remote === null ? null : remoteModel.parse(JSON.parse(row.remote)),
  settings: {
    contextTokens: row.context_tokens,
    slots: row.slots,
    threads: row.threads,
    gpuLayers: row.gpu_layers,
    processes: row.processes,
    gpus: row.gpus,
    kvType: row.kv_type,
    flashAttention: row.flash_attention,
    batchTokens: row.batch_tokens,
  },
  idleUnloadMs: row.idle_unload_ms,
  createdAt: row.created_at,
  wantedSince: row.wanted_since,
})
const orNull = (row: Row | undefined): StoredDeployment | null => (row === undefined ? null : toStored(row))
/** In the order of SETTINGS. */
const settingValues = (settings: DeploymentSettings) => [
  settings.contextTokens,
  settings.slots,
  settings.threads,
  settings.gpuLayers,
  settings.processes,
  settings.gpus,
  settings.kvType,
  settings.flashAttention,
  settings.batchTokens,
]

export const listDeployments = (db: ReadDb): StoredDeployment[] =>
  db
    .prepare<Row>(`SELECT ${COLUMNS} FROM deployments ORDER BY created_at, deployment_id LIMIT ${DEPLOYMENTS_MAX}`)
    .all()
    .map(toStored)
export const findDeployment = (db: ReadDb, deploymentId: string): StoredDeployment | null =>
  orNull(db.prepare<Row>(`SELECT ${COLUMNS} FROM deployments WHERE deployment_id = ?`).get(deploymentId))
/**
 * In the order in which they came to be wanted; none while the machine is given back (own use keeps that), so that
 * nothing loads again by itself.
 */
export const wantedDeployments = (db: ReadDb): StoredDeployment[] =>
  db
    .prepare<Row>(
      `SELECT ${COLUMNS} FROM deployments WHERE wanted_since IS NOT NULL AND NOT EXISTS (SELECT 1 FROM given_back)
       ORDER BY wanted_since, deployment_id LIMIT ${DEPLOYMENTS_MAX}`,
    )
    .all()
    .map(toStored)

/** The one the owner used last of this model: wanted now, else the newest. */
export const latestOfModel = (db: ReadDb, sha256: string): StoredDeployment | null =>
  orNull(
    db
      .prepare<Row>(
        `SELECT ${COLUMNS} FROM deployments WHERE sha256 = ? ORDER BY wanted_since DESC NULLS LAST, created_at DESC, deployment_id DESC LIMIT 1`,
      )
      .get(sha256),
  )

/** Equal settings of one model are one deployment: a qualification stays with it. */
export function findOrCreate(db: WriteDb, fresh: StoredDeployment): StoredDeployment {
  const remote = fresh.remote === null ? null : JSON.stringify(fresh.remote)
  db.prepare(
    `INSERT INTO deployments (deployment_id, sha256, model_sha256, remote, ${SETTINGS.join(', ')}, created_at) VALUES (?, ?, ?, ?, ${SETTINGS.map(() => '?').join(', ')}, ?)
     ON CONFLICT (sha256, ${SETTINGS.join(', ')}) DO UPDATE SET remote = excluded.remote`,
  ).run(
    fresh.deploymentId,
    fresh.sha256,
    fresh.remote === null ? fresh.sha256 : null,
    remote,
    ...settingValues(fresh.settings),
    fresh.createdAt,
  )
  const row = db
    .prepare<Row>(
      `SELECT ${COLUMNS} FROM deployments WHERE sha256 = ? AND ${SETTINGS.map((name) => `${name} = ?`).join(' AND ')}`,
    )
    .get(fresh.sha256, ...settingValues(fresh.settings))
  return orNull(row) ?? fresh
}

export function setWanted(db: WriteDb, deploymentId: DeploymentId, at: EpochMs): void {
  db.prepare('UPDATE deployments SET wanted_since = ? WHERE deployment_id = ?').run(at, deploymentId)
}

export function clearWanted(db: WriteDb, deploymentId: DeploymentId): void {
  db.prepare('UPDATE deployments SET wanted_since = NULL WHERE deployment_id = ?').run(deploymentId)
}

/** Of all: those in memory, loading, waiting for their turn, failed or away. */
export function clearAllWanted(db: WriteDb): void {
  db.prepare('UPDATE deployments SET wanted_since = NULL WHERE wanted_since IS NOT NULL').run()
}

export function setIdleUnload(db: WriteDb, deploymentId: DeploymentId, idleUnloadMs: number | null): void {
  db.prepare('UPDATE deployments SET idle_unload_ms = ? WHERE deployment_id = ?').run(idleUnloadMs, deploymentId)
}

/** Local ones go with their model. */
export const deleteRemote = (db: WriteDb, sha256: string): boolean =>
  db.prepare('DELETE FROM deployments WHERE sha256 = ? AND remote IS NOT NULL').run(sha256).changes > 0
