/**
 * The migrations of rig.db, in order: settings and first run, models and deployments, power, several deployments,
 * measurements, own use, processes with one GPU each, given back, venues, power by quarter hour, starts, keys and
 * copies, files of models, recorded events.
 */
import type { Migration } from '#db/db-types.ts'

import { ownerMigration } from './migrations/0010-owner.ts'
import { modelsMigration } from './migrations/0020-models.ts'
import { powerMigration } from './migrations/0030-power.ts'
import { severalDeploymentsMigration } from './migrations/0040-several-deployments.ts'
import { calibrationsMigration } from './migrations/0050-calibrations.ts'
import { ownUseMigration } from './migrations/0060-own-use.ts'
import { gpusMigration } from './migrations/0070-gpus.ts'
import { givenBackMigration } from './migrations/0080-given-back.ts'
import { venuesMigration } from './migrations/0090-venues.ts'
import { powerQuartersMigration } from './migrations/0100-power-quarters.ts'
import { epochsMigration } from './migrations/0110-epochs.ts'
import { keysAndCopiesMigration } from './migrations/0120-keys-and-copies.ts'
import { modelFilesMigration } from './migrations/0130-model-files.ts'
import { rigEventsMigration } from './migrations/0150-rig-events.ts'

export const rigMigrations: readonly Migration[] = [
  ownerMigration,
  modelsMigration,
  powerMigration,
  severalDeploymentsMigration,
  calibrationsMigration,
  ownUseMigration,
  gpusMigration,
  givenBackMigration,
  venuesMigration,
  powerQuartersMigration,
  epochsMigration,
  keysAndCopiesMigration,
  modelFilesMigration,
  rigEventsMigration,
]
