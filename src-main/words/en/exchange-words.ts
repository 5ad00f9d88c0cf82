/** English: the exchange and the line to it. */
import type { exchangeFailures } from '#contract/reasons/exchange-failures.ts'

export const exchangeWords: Record<keyof typeof exchangeFailures, string> = {
  'exchange.gradeUnknown': 'this exchange does not trade {instrument}',
  'exchange.examRunning': 'an exam of this supplier is running already; wait for its result or cancel it',
  'exchange.examAttempts': 'a model has {max} attempts at a grade in 7 days; try again later or with another model',
  'exchange.examAttemptsOfKey':
    'a supplier has {max} attempts at a grade in 7 days, whatever its models; try again later',
  'exchange.supplierUnknown': 'this supplier never came here',
  'exchange.supplierKey': 'a supplier is named by its public key, 43 characters of base64url',
  'exchange.callTooDear': 'this call can cost more than one amount may be; lower max_tokens',
  'exchange.ordersFull': 'the exchange serves as many orders as it can; try again in a moment',
  'exchange.portTaken': 'port {port} of {host} is taken; name another with --port',
  'exchange.noneHere': 'there is no exchange in {dir}',
  'exchange.helloFirst': 'the first frame must be a hello of protocol 1; see docs/protocol.md',
  'exchange.helloSignature': 'the signature over the challenge is not valid for this key',
  'exchange.connectionsFull': 'too many connections; try again in a moment',
  'exchange.helloLate': 'no hello came in time',
  'exchange.framesTooFast':
    'more than {max} frames a second, a large or dear one counted as many; the socket is closed',
  'exchange.syncInFlight': 'one sync waits already; the next one may be sent once its result has been acknowledged',
  'exchange.offersFull': 'a supplier has at most {max} offers; withdraw one first',
  'exchange.notQualified':
    'this model has no current qualification for {instrument} version {version}; sit the exam first',
  'exchange.slotsAboveMeasured':
    'the exam measured {measured} at once and this deployment offers {offered}; offer fewer slots, or sit the exam with this deployment',
  'exchange.offerTooSmall':
    '{instrument} needs a context of {contextTokens} and an output of {outputTokens} tokens a slot; this deployment offers {offeredContext} and {offeredOutput}',
  'exchange.insecureListen':
    '{host} can be reached by other machines and the exchange speaks plain HTTP: put a TLS proxy before it, or add --insecure-listen',
  'exchange.answerTooLong': 'the supplier sent far more text than was ordered',
  'exchange.claimRefused': 'the claim was refused: {problem}',
  'exchange.supplierLeft': 'the supplier went away',
  'exchange.noSupplier': 'no supplier lists {instrument} for a call of this size; try again later',
  'exchange.suppliersBusy': 'every supplier of {instrument} is busy and the waiting line is full; try again later',
  'exchange.suppliersBusyLong': 'every supplier of {instrument} was busy for {seconds} s; try again later',
  'exchange.buyerLeft': 'the buyer left before the job started',
  'exchange.supplierFailed': 'the supplier failed ({code})',
  'exchange.unpaid': 'the job ended unpaid: {reason}',
  'exchange.noClaim': 'no claim came after the buyer had left',
  'exchange.deadlinePassed': 'the deadline passed',
  'exchange.refused': 'The exchange refused: {reason}',
  'venue.offline': 'The exchange is not reachable now; Stoker keeps trying.',
  'venue.unacknowledged': 'The exchange does not acknowledge what it is sent; Stoker connects anew.',
  'venue.resendFull': 'The exchange has not acknowledged {max} frames; the session is given up and a new one follows.',
}
