/** Stored deployments; at most one is wanted in memory. */
import type { DeploymentId, ModelSha256 } from '#contract/ids.ts'
import type { EpochMs } from '#contract/time.ts'
import type { ReadDb, WriteDb } from '#db/types.ts'

import type { DeploymentSettings } from './deployments.ts'

const DEPLOYMENTS_MAX = 1_000

export interface StoredDeployment {
  deploymentId: DeploymentId
  sha256: ModelSha256
  settings: DeploymentSettings
  createdAt: EpochMs
  wantedSince: EpochMs | null
}
interface Row {
  deployment_id: string
  sha256: string
  context_tokens: number
  slots: number
  threads: number
  gpu_layers: number
  created_at: number
  wanted_since: number | null
}

const COLUMNS = 'deployment_id, sha256, context_tokens, slots, threads, gpu_layers, created_at, wanted_since'

const toStored = (row: Row): StoredDeployment => ({
  deploymentId: row.deployment_id as DeploymentId,
  sha256: row.sha256 as ModelSha256,
  settings: { contextTokens: row.context_tokens, slots: row.slots, threads: row.threads, gpuLayers: row.gpu_layers },
  createdAt: row.created_at,
  wantedSince: row.wanted_since,
})
const orNull = (row: Row | undefined): StoredDeployment | null => (row === undefined ? null : toStored(row))

export const listDeployments = (db: ReadDb): StoredDeployment[] =>
  db.prepare<Row>(`SELECT ${COLUMNS} FROM deployments ORDER BY created_at, deployment_id LIMIT ${DEPLOYMENTS_MAX}`).all().map(toStored)
export const findDeployment = (db: ReadDb, deploymentId: string): StoredDeployment | null =>
  orNull(db.prepare<Row>(`SELECT ${COLUMNS} FROM deployments WHERE deployment_id = ?`).get(deploymentId))
export const wantedDeployment = (db: ReadDb): StoredDeployment | null => orNull(db.prepare<Row>(`SELECT ${COLUMNS} FROM deployments WHERE wanted_since IS NOT NULL`).get())

/** The one the owner used last of this model: wanted now, else the newest. */
export const latestOfModel = (db: ReadDb, sha256: string): StoredDeployment | null =>
  orNull(db.prepare<Row>(`SELECT ${COLUMNS} FROM deployments WHERE sha256 = ? ORDER BY wanted_since IS NULL, created_at DESC, deployment_id DESC LIMIT 1`).get(sha256))

/** Equal settings of one model are one deployment: a qualification stays with it. */
export function findOrCreate(db: WriteDb, fresh: StoredDeployment): StoredDeployment {
  const { contextTokens, slots, threads, gpuLayers } = fresh.settings
  db.prepare(`INSERT INTO deployments (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (sha256, context_tokens, slots, threads, gpu_layers) DO NOTHING`).run(
    fresh.deploymentId,
    fresh.sha256,
    contextTokens,
    slots,
    threads,
    gpuLayers,
    fresh.createdAt,
  )
  const row = db
    .prepare<Row>(`SELECT ${COLUMNS} FROM deployments WHERE sha256 = ? AND context_tokens = ? AND slots = ? AND threads = ? AND gpu_layers = ?`)
    .get(fresh.sha256, contextTokens, slots, threads, gpuLayers)
  return orNull(row) ?? fresh
}

/** Wants this one and no other. */
export function setWanted(db: WriteDb, deploymentId: DeploymentId, at: EpochMs): void {
  db.prepare('UPDATE deployments SET wanted_since = NULL WHERE wanted_since IS NOT NULL').run()
  db.prepare('UPDATE deployments SET wanted_since = ? WHERE deployment_id = ?').run(at, deploymentId)
}

export function clearWanted(db: WriteDb, deploymentId: DeploymentId): void {
  db.prepare('UPDATE deployments SET wanted_since = NULL WHERE deployment_id = ?').run(deploymentId)
}
