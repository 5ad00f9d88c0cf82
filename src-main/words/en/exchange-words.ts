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
  'exchange.portTaken': 'port {port} of {host} is taken; name another with {option}',
  'exchange.noneHere': 'there is no exchange in {dir}',
  'exchange.keyMissing':
    '{path} is missing, and these books hold what it signed; no new key was made, which no supplier would take for this exchange. Put the file back (every backup has it; stoker restore). To begin with a new key and empty books move {dir} away: what its suppliers still have coming is lost then',
  'exchange.keyForeign':
    '{path} holds the key {found}, and the last receipt of these books is signed by {key}: nothing was started. Put the right file back (every backup has it; stoker restore), or the books that belong to it. To begin with empty books move {dir} away: what its suppliers still have coming is lost then',
  'exchange.helloFirst': 'the first frame must be a hello of protocol {protocol}; see docs/protocol.md',
  'exchange.protocolOlder':
    'this key has spoken protocol 2, which signs more than protocol 1: it is not let in with the older one; update Stoker',
  'exchange.keyCopied':
    'another Stoker with the same key has connected, at the same count of starts ({epoch}): one of the two runs on a copy of the other’s data folder. Stop the copy. If this is the rig that is to sell, take the key over here (stoker venue take-over{atData}).',
  'exchange.keyOlder':
    'this Stoker has started {epoch} times with its key, and one that started {standing} times has connected since: the key is used by another rig, or this data folder is an older copy. If this is the rig that is to sell, take the key over here (stoker venue take-over{atData}).',
  'exchange.keyTaken':
    'Another rig ({name}) was connected with the same key and has been put off. If you did not move the data folder on purpose, stop one of the two: two rigs with one key sell in each other’s name.',
  'exchange.keyLost':
    'Another rig has connected with this rig’s key and sells in its place; this one does not come back by itself. Stop one of the two.',
  'exchange.cachedPrice':
    'this exchange cannot count what lay in a cache: the price of cached input must be that of input',
  'exchange.textNotAsked': 'the supplier sent {field}, which nobody had asked for',
  'exchange.declined': 'the supplier does not serve such requests ({reason})',
  'exchange.declinedLate': 'the supplier declined in the middle of its answer',
  'exchange.featureOff': '{feature} is not among the features of this session',
  'clock.outOfRange':
    'the clock of this machine says a time outside 1970 to 2099 ({at} ms since 1970): nothing can be signed at such a time; set the clock',
  'clock.supplierAhead':
    'The clock of this machine is {seconds} s ahead of the exchange’s. One of the two is wrong; set this one by the network’s time.',
  'clock.supplierBehind':
    'The clock of this machine is {seconds} s behind the exchange’s. One of the two is wrong; set this one by the network’s time.',
  'exchange.helloSignature': 'the signature over the challenge is not valid for this key',
  'exchange.connectionsFull': 'too many connections; try again in a moment',
  'exchange.helloLate': 'no hello came in time',
  'exchange.framesTooFast':
    'more than {max} frames a second, a large or dear one counted as many; the socket is closed',
  'exchange.syncInFlight': 'one sync waits already; the next one may be sent once its result has been acknowledged',
  'exchange.offersFull': 'a supplier has at most {max} offers; withdraw one first',
  'exchange.notQualified':
    'this model has no current qualification for {instrument} version {version}; sit the exam first',
  'exchange.qualificationEnds':
    'the qualification for {instrument} ends on {until, date, medium}; take the exam again before, and the offer stands on',
  'exchange.qualificationEnded':
    'The qualification for {instrument} ended on {until, date, medium}; take the exam again and it is offered again.',
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
