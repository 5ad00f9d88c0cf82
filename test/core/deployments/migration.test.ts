import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import {
  findDeployment,
  findOrCreate,
  listDeployments,
  setWanted,
  wantedDeployments,
} from '#core/deployments/deployments.store.ts'
import { rigMigrations } from '#core/rig-db/index.ts'
import { backupPath } from '#db/migrate.ts'
import { openDb } from '#db/open.ts'
import { tempDir } from '#test/support/temp-dir.ts'

const MODEL = 'a'.repeat(64)
const BEFORE = 30

describe('rig.db before GPUs were told apart', () => {
  it('keeps every column of a deployment, a remote one too, with all GPUs together', () => {
    const path = join(tempDir(), 'rig.db')
    const old = openDb({ path, migrations: rigMigrations.filter(({ id }) => id <= 60) })
    const insert = `INSERT INTO deployments (deployment_id, sha256, remote, context_tokens, slots, threads, gpu_layers, processes, kv_type, flash_attention, batch_tokens, idle_unload_ms, created_at, wanted_since)
      VALUES ('dep_remote', ?, '{"model":"m","servers":[]}', 512, 8, 3, 1000, 2, 'q8_0', 'on', 256, 60000, 7, 9)`
    old.tx((db) => db.prepare(insert).run(MODEL))
    old.close()
    const db = openDb({ path, migrations: rigMigrations })
    try {
      expect(listDeployments(db.read)).toEqual([
        {
          deploymentId: 'dep_remote',
          sha256: MODEL,
          remote: { model: 'm', servers: [] },
          settings: {
            contextTokens: 512,
            slots: 8,
            threads: 3,
            gpuLayers: 1_000,
            processes: 2,
            gpus: 'together',
            kvType: 'q8_0',
            flashAttention: 'on',
            batchTokens: 256,
          },
          idleUnloadMs: 60_000,
          createdAt: 7,
          wantedSince: 9,
        },
      ])
    } finally {
      db.close()
    }
  })
})

describe('rig.db of the release before', () => {
  it('keeps its deployments, their ids and what was wanted; the new columns take their defaults', () => {
    const path = join(tempDir(), 'rig.db')
    const old = openDb({ path, migrations: rigMigrations.filter(({ id }) => id <= BEFORE) })
    old.tx((db) => {
      db.prepare(
        `INSERT INTO models (sha256, path, file_name, size_bytes, mtime_ms, added_at, bundled, architecture, quantisation, has_chat_template, needed_bytes, needed_method)
         VALUES (?, '/m.gguf', 'm.gguf', 1, 1, 1, 0, 'llama', 'Q8_0', 1, 1, 'm')`,
      ).run(MODEL)
      const insert = db.prepare(
        'INSERT INTO deployments (deployment_id, sha256, context_tokens, slots, threads, gpu_layers, created_at, wanted_since) VALUES (?, ?, 256, ?, 1, 0, ?, ?)',
      )
      insert.run('dep_one', MODEL, 4, 10, null)
      insert.run('dep_two', MODEL, 2, 11, 12)
    })
    old.close()
    const db = openDb({ path, migrations: rigMigrations })
    try {
      expect(existsSync(backupPath(path, BEFORE))).toBe(true)
      const added = { processes: 1, gpus: 'together', kvType: 'f16', flashAttention: 'auto', batchTokens: 512 }
      expect(listDeployments(db.read)).toEqual([
        {
          deploymentId: 'dep_one',
          sha256: MODEL,
          remote: null,
          settings: { contextTokens: 256, slots: 4, threads: 1, gpuLayers: 0, ...added },
          idleUnloadMs: null,
          createdAt: 10,
          wantedSince: null,
        },
        expect.objectContaining({ deploymentId: 'dep_two', wantedSince: 12 }),
      ])
      // Equal settings still are the same deployment, others are not, and two may be wanted.
      const one = findDeployment(db.read, 'dep_one')!
      expect(db.tx((tx) => findOrCreate(tx, { ...one, deploymentId: 'dep_new' as never }))).toEqual(one)
      expect(
        db.tx((tx) =>
          findOrCreate(tx, { ...one, deploymentId: 'dep_new' as never, settings: { ...one.settings, kvType: 'q8_0' } }),
        ).deploymentId,
      ).toBe('dep_new')
      const onGpu = { ...one.settings, gpuLayers: 1_000, processes: 2 }
      for (const gpus of ['together', 'each'] as const)
        db.tx((tx) => findOrCreate(tx, { ...one, deploymentId: `dep_${gpus}` as never, settings: { ...onGpu, gpus } }))
      expect(findDeployment(db.read, 'dep_each')?.settings).toEqual({ ...onGpu, gpus: 'each' })
      expect(findDeployment(db.read, 'dep_together')?.settings).toEqual({ ...onGpu, gpus: 'together' })
      db.tx((tx) => setWanted(tx, one.deploymentId, 5))
      expect(wantedDeployments(db.read).map(({ deploymentId }) => deploymentId)).toEqual(['dep_one', 'dep_two'])
      // A model takes its deployments with it, as before.
      db.tx((tx) => tx.prepare('DELETE FROM models').run())
      expect(listDeployments(db.read)).toEqual([])
    } finally {
      db.close()
    }
  })
})
