/** Offline verification of a transcript: what it shows, and what it does not. Source: docs/exam.md, Evidence. */
import { bytes4 } from '#contract/bytes4.ts'
import { canonicalJson, sha256Hex } from '#lib/canonical.ts'
import { verifySignature } from '#lib/ed25519.ts'

import { placeOf } from './exam-calls.ts'
import { examItemText, examResultText, seedCommitment, transcriptText } from './evidence.ts'
import { ERROR_MARK, judgeReply } from './judge-call.ts'
import { createExamSession } from './exam-session.ts'
import { recordedOf, transcriptSchema, type Transcript, type TranscriptItem } from './transcript-schema.ts'

export interface TranscriptCheck {
  /** True when nothing contradicts what the transcript says of itself. */
  ok: boolean
  class: Transcript['class'] | null
  shown: string[]
  notShown: string[]
  /** Why it is not ok, one line each. */
  problems: string[]
}

const TEXT_CHARS_MAX = 64 * 1_048_576
/** Logarithms may differ in the last digits between machines. */
const NUMBER_TOLERANCE = 1e-6
/** 256 bits as base64url. */
const SEED_CHARS = 43

const refused = (problem: string): TranscriptCheck => ({
  ok: false,
  class: null,
  shown: [],
  notShown: [],
  problems: [problem],
})

function itemProblem(transcript: Transcript, item: TranscriptItem): string | null {
  const { spec, seed } = transcript
  const place = placeOf(spec.level, item.itemId)
  if (place === null || place.phase !== item.phase) return `${item.itemId} is no call of this grade's exam`
  if (item.reply === null) return missingProblem(transcript, item)
  if (item.witness?.replySha256 !== undefined) return `${item.itemId} states a hash beside its reply`
  const error = item.reason.startsWith(ERROR_MARK) ? item.reason.slice(ERROR_MARK.length) : null
  if (judgeReply(spec, seed, place, item.reply, error).right !== item.right)
    return `${item.itemId} is marked ${item.right ? 'right' : 'wrong'}, its reply says otherwise`
  if (bytes4(item.reply) !== item.tokens) return `${item.itemId} does not hold the tokens it states`
  return (item.ttftMs === null) === (item.reply === '')
    ? null
    : `${item.itemId} times a delta that never came, or leaves one untimed`
}

/**
 * A reply that is not in the file can only count against the seller, and only on the word of an exchange that saw it.
 */
function missingProblem(transcript: Transcript, item: TranscriptItem): string | null {
  if (item.right) return `${item.itemId} is marked right, and its reply is not here`
  return transcript.class === 'witnessed' && item.witness?.replySha256 !== undefined
    ? null
    : `${item.itemId} has no reply, and no exchange says what it was`
}

/** Repeats the whole attempt from the judged calls: plan, limits and verdict must come out the same. */
function replayProblems(transcript: Transcript): string[] {
  const resumeFrom = transcript.items.map(recordedOf)
  const session = createExamSession({
    spec: transcript.spec,
    seed: transcript.seed,
    slots: transcript.slots,
    resumeFrom,
    carried: transcript.carried,
  })
  const { limits, verdict } = session.state()
  const plan = session.counted().map((item) => item.itemId)
  const problems: string[] = []
  if (canonicalJson(plan) !== canonicalJson(transcript.items.map((item) => item.itemId)))
    problems.push('the items are not those that the seed and the grade ask for, in that order')
  if (verdict !== transcript.verdict)
    problems.push(`the items add up to ${verdict ?? 'an unfinished exam'}, the transcript says ${transcript.verdict}`)
  const same =
    limits.length === transcript.limits.length &&
    limits.every((limit, at) => {
      const stated = transcript.limits[at]!
      const near = (['n', 'k', 's', 'floor', 'target', 'low', 'high'] as const).every(
        (key) => Math.abs(limit[key] - stated[key]) <= NUMBER_TOLERANCE,
      )
      return near && limit.name === stated.name && limit.state === stated.state
    })
  if (!same) problems.push('the limits do not follow from the items')
  return problems
}

const hashOf = (item: TranscriptItem): string =>
  item.reply === null ? (item.witness?.replySha256 ?? '') : sha256Hex(item.reply)
const missing = (transcript: Transcript): number => transcript.items.filter((item) => item.reply === null).length

function witnessProblems(transcript: Transcript, exchangeKey: string | undefined): string[] {
  const { examId, seed, verdict, limits, validUntil, result } = transcript
  if (result === null) return ['a witnessed exam carries the exchange’s signed result, and this one has none']
  const problems: string[] = []
  if (transcript.commitment === null)
    problems.push('a witnessed exam carries the commitment to its seed, and this one has none')
  if (exchangeKey !== undefined && exchangeKey !== result.exchange)
    problems.push('the exchange that signed is not the one whose key was given')
  if (
    !verifySignature(
      result.exchange,
      examResultText({ examId, verdict, limits, seed, at: result.at, validUntil }),
      result.sig,
    )
  )
    problems.push('the exchange’s signature of the result is not valid')
  const signed = (item: TranscriptItem): boolean =>
    item.witness !== null &&
    verifySignature(
      result.exchange,
      examItemText({
        examId,
        itemId: item.itemId,
        replySha256: hashOf(item),
        arrivedAt: item.witness.arrivedAt,
        right: item.right,
      }),
      item.witness.sig,
    )
  const bad = transcript.items.filter((item) => !signed(item)).length
  if (bad > 0) problems.push(`${bad} of ${transcript.items.length} replies lack a valid countersignature`)
  return problems
}

function gaps(transcript: Transcript, exchangeKey: string | undefined): string[] {
  const list = [
    'which model wrote the replies',
    'public items only: no item came from a private bank',
    'the error rate: provisional until 300 jobs',
  ]
  if (transcript.class !== 'witnessed')
    return [
      ...list,
      'that the seed was unknown before: nobody else committed to it',
      'the times: taken by the seller’s own clock',
    ]
  list.push('when the exchange committed to the seed, and its clock: its word')
  if (transcript.seed.length < SEED_CHARS) list.push('that the seed could not be guessed: it is shorter than 256 bits')
  const lost = missing(transcript)
  if (lost > 0)
    list.push(
      `what ${lost} of the replies said: they are not what the seller still holds; counted wrong, by the exchange's countersigned hash alone`,
    )
  if (exchangeKey === undefined)
    list.push('who the exchange is: self-consistent only, give its key to check (--exchange-key)')
  return list
}

function check(transcript: Transcript, raw: unknown, json: string, exchangeKey: string | undefined): TranscriptCheck {
  const { supplierSig, ...unsigned } = raw as Transcript
  const problems: string[] = []
  if (canonicalJson(raw) !== json.trim()) problems.push('the file is not in canonical form, so its hash means nothing')
  if (!verifySignature(transcript.supplier, transcriptText(unsigned), supplierSig))
    problems.push('the seller’s signature is not valid')
  if (transcript.commitment !== null && transcript.commitment !== seedCommitment(transcript.seed))
    problems.push('the seed is not the one that was committed to')
  if (transcript.class === 'rerun' && transcript.rerunOf === null)
    problems.push('a rerun names the transcript it repeats, and this one does not')
  const wrong = transcript.items.flatMap((item) => itemProblem(transcript, item) ?? [])
  problems.push(
    ...wrong.slice(0, 5),
    ...replayProblems(transcript),
    ...(transcript.class === 'witnessed' ? witnessProblems(transcript, exchangeKey) : []),
  )
  const n = transcript.items.length
  const shown = [
    `items match the seed ${transcript.seed}`,
    `${n - missing(transcript)} of ${n} verdicts re-checked`,
    `verdict ${transcript.verdict} follows from the limits`,
    `signature of seller ${transcript.supplier} valid`,
  ]
  shown.push(
    transcript.class === 'witnessed'
      ? `class witnessed: ${n} of ${n} replies countersigned by exchange ${transcript.result?.exchange ?? ''}, seed as committed`
      : `class ${transcript.class}`,
  )
  const ok = problems.length === 0
  return { ok, class: transcript.class, shown: ok ? shown : [], notShown: gaps(transcript, exchangeKey), problems }
}

/**
 * Never throws: a broken file is a check that is not ok. `exchangeKey` is the exchange's public key pinned at
 * registration.
 */
export function verifyTranscript(json: string, options: { exchangeKey?: string } = {}): TranscriptCheck {
  if (json.length > TEXT_CHARS_MAX) return refused('the file is larger than a transcript can be')
  try {
    const raw: unknown = JSON.parse(json)
    const parsed = transcriptSchema.safeParse(raw)
    if (parsed.success) return check(parsed.data, raw, json, options.exchangeKey)
    const [issue] = parsed.error.issues
    return refused(`the file is not a transcript: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)
  } catch {
    // Not JSON, or JSON that has no canonical form (numbers beyond a double, nesting without end).
    return refused('the file is not canonical JSON')
  }
}
