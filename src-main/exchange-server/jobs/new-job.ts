/** An order becomes a job of one supplier: price, salt, deadline, and the money it can cost at most set aside. */
import { requestMac } from '#books/receipts.ts'
import { fail } from '#contract/errors.ts'
import { MoneyRangeError, nano, reserveOf, type Nano, type Price } from '#contract/money.ts'

import { inputTokensOf } from '#lib/billed-tokens.ts'
import { isSignedTime } from '#contract/time.ts'

import { cacheScopeOf } from '../cache-scope.ts'
import { deadlineMsOf, type ExchangeContext } from '../exchange-context.ts'
import { reserveFor } from '../settle/exchange-settlement.ts'
import type { Peer } from '../supply/peer.ts'
import { billedBytesMax, StreamedAnswer, type RoutedJob, type BuyerOrder } from './routed-job.ts'

export interface Target {
  peer: Peer
  deploymentId: string
  modelSha256: string
  ask: Price
  exam: RoutedJob['exam']
}

/**
 * Errors: LEDGER_CONFLICT (the credit does not cover it), MONEY_RANGE; any other is a fault of the order itself and
 * leaves no trace either.
 */
export function reservedJob(context: ExchangeContext, order: BuyerOrder, target: Target): RoutedJob {
  const { clock, ids, terms } = context
  // Its receipt could not be signed.
  if (!isSignedTime(clock.now())) throw fail('clock.outOfRange', { at: clock.now() })
  const { spec, request } = order
  const { protocol } = target.peer
  const inputTokens = inputTokensOf(protocol, request)
  const price = target.ask
  const salt = ids.secret(32)
  const job: RoutedJob = {
    jobId: ids.next('job'),
    order,
    supplier: target.peer.supplier,
    deploymentId: target.deploymentId,
    modelSha256: target.modelSha256,
    protocol,
    price,
    inputTokens,
    cacheScope: target.exam === null ? cacheScopeOf(context, order.buyerId) : null,
    reserveNano: target.exam === null ? mostItCosts(inputTokens, request.maxTokens, price) : nano(0),
    salt,
    requestMac: requestMac(salt, request),
    exam: target.exam,
    // An exam judges, and hashes, what the supplier sent.
    answer: new StreamedAnswer(target.exam === null ? billedBytesMax(request.maxTokens) : undefined),
    sentAt: clock.mono(),
    deadlineMs: Math.max(
      1,
      deadlineMsOf(spec, request.maxTokens, terms.deadlineFactor) - Math.ceil(order.spentMs ?? 0),
    ),
    accepted: false,
    firstDeltaAt: null,
    lastDeltaAt: null,
    firstDeltaBytes: 0,
    cancelled: false,
    stopTimer: () => undefined,
  }
  reserveFor(context, job)
  return job
}

function mostItCosts(inputTokens: number, maxTokens: number, price: Price): Nano {
  try {
    return reserveOf(inputTokens, maxTokens, price)
  } catch (error) {
    if (!(error instanceof MoneyRangeError)) throw error
    throw fail(
      'exchange.callTooDear',
      {},
      {
        cause: error,
      },
    )
  }
}
