/** A seller whose exchange is there and has nothing to tell, closed at the end of the test; and what a test reads of it. */
import { onTestFinished } from 'vitest'

import type { SupplierFrame } from '#contract/supplier.ts'
import { Seller, type SellerOptions } from '#test/support/seller.ts'
import { tempDir } from '#test/support/temp-dir.ts'

export function onlineSeller(options: SellerOptions = {}): Seller {
  const made = new Seller(tempDir(), options)
  onTestFinished(() => made.close())
  made.exchange.online()
  made.exchange.deliverAll()
  return made
}

/** Frames of one kind that the seller sent. */
export const sentFrames = <T extends SupplierFrame['t']>(made: Seller, t: T) =>
  made.exchange.sent.filter((frame): frame is Extract<SupplierFrame, { t: T }> => frame.t === t)

/** The stored row of a job, under its column names. */
export const jobRow = (made: Seller, jobId: string): Record<string, unknown> =>
  made.rows(`SELECT * FROM jobs WHERE job_id = '${jobId}'`)[0]!
