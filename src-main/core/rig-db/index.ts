/** The migrations of rig.db, in order: settings and first run, models and deployments, power. */
import type { Migration } from '#db/types.ts'

import { ownerMigration } from './migrations/0010-owner.ts'
import { modelsMigration } from './migrations/0020-models.ts'
import { powerMigration } from './migrations/0030-power.ts'

export const rigMigrations: readonly Migration[] = [ownerMigration, modelsMigration, powerMigration]
