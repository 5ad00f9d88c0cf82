/** THE contract: what a console may ask of a core, over every channel alike. The UI imports its types only. */
import { appContract } from './app.ts'
import { backupContract } from './backup.ts'
import { earningsContract } from './earnings.ts'
import { examsContract } from './exams.ts'
import { jobsContract } from './jobs.ts'
import { marketContract } from './market.ts'
import { modelsContract } from './models.ts'
import { venuesContract } from './venues.ts'

export const contract = {
  app: appContract,
  models: modelsContract,
  exams: examsContract,
  market: marketContract,
  jobs: jobsContract,
  earnings: earningsContract,
  backup: backupContract,
  venues: venuesContract,
}
export type Contract = typeof contract
