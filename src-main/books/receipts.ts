/**
 * Claims and receipts: a seller's signed claim, countersigned by the exchange into a chain per supplier. Signing texts
 * are a domain line and the RFC 8785 form of the object exactly as it arrived, so that a field added by anybody
 * else breaks the signature too.
 */
import { fail } from '#contract/errors.ts'
import { costOf, onePrice, splitFee, type Nano, type NanoPerMtok, type Price, type Realm } from '#contract/money.ts'
import { V1_UNIT_OF_REALM, type Unit } from '#contract/units.ts'
import type { PublicKey } from '#contract/ids.ts'
import {
  receipt as receiptSchema,
  signedClaim as signedClaimSchema,
  type Claim,
  type ClaimV1,
  type ClaimV2,
  type Receipt,
  type ReceiptV1,
  type ReceiptV2,
  type SignedClaim,
} from '#contract/receipt.ts'
import type { Release } from '#contract/supplier.ts'
import type { AnswerText } from '#contract/supplier-v2.ts'
import { isSignedTime } from '#contract/time.ts'
import { canonicalJson, hmacSha256Hex, sha256Hex } from '#lib/canonical.ts'
import { verifySignature, type SigningKey } from '#lib/ed25519.ts'

/** `prev` of a supplier's first receipt, and the hash of a chain without any record. */
export const GENESIS = '0'.repeat(64)
const claimText = (claim: Claim): string => `stoker-claim-v${claim.v}\n${canonicalJson(claim)}`
const receiptText = (receipt: UnsignedReceipt): string => `stoker-receipt-v${receipt.v}\n${canonicalJson(receipt)}`

type WithoutSig<R extends Receipt> = R extends R ? Omit<R, 'exchangeSig'> : never
export type UnsignedReceipt = WithoutSig<Receipt>

export const signClaim = <C extends Claim>(key: SigningKey, claim: C): { claim: C; claimSig: string } => ({
  claim,
  claimSig: key.sign(claimText(claim)),
})

/** True when the claim has the right shape and is signed by the supplier it names. */
export function verifyClaim(signed: unknown): boolean {
  const parsed = signedClaimSchema.safeParse(signed)
  return parsed.success && claimSigned(signed as SignedClaim)
}

const claimSigned = ({ claim, claimSig }: SignedClaim): boolean => signedBy(claim.supplier, claimText(claim), claimSig)

/**
 * 86 characters carry 4 bits more than a signature has: only the one spelling with zeros there counts, or a receipt
 * could be altered without breaking it.
 */
const signedBy = (key: string, text: string, signature: string): boolean =>
  Buffer.from(signature, 'base64url').toString('base64url') === signature && verifySignature(key, text, signature)

interface ChainedFacts {
  /** 1 and GENESIS for a supplier's first, then one more and the hash of the one before. */
  seq: number
  prev: string
  realm: Realm
  feeBps: number
  settledAt: number
  releaseAt: number
  exchange: PublicKey
}

export interface ReceiptFacts extends ChainedFacts {
  signed: { claim: ClaimV1; claimSig: string }
  /** Reference tokens as the exchange counted them. */
  billed: ReceiptV1['billed']
  priceNanoPerMtok: NanoPerMtok
}

/** Of version 1. Gross, fee and the seller's part follow from tokens, price and fee rate. Throws MoneyRangeError beyond 2^51. */
export function makeReceipt(facts: ReceiptFacts): WithoutSig<ReceiptV1> {
  const { signed, realm, ...rest } = facts
  return {
    v: 1,
    claim: signed.claim,
    claimSig: signed.claimSig,
    realm,
    currency: V1_UNIT_OF_REALM[realm],
    ...rest,
    ...moneyOf(billedTokens(facts.billed), onePrice(facts.priceNanoPerMtok), facts.feeBps),
  }
}

export interface ReceiptFactsV2 extends ChainedFacts {
  signed: { claim: ClaimV2; claimSig: string }
  /** Reference tokens as the exchange counted them. */
  billed: ReceiptV2['billed']
  price: Price
  unit: Pick<Unit, 'code' | 'scale'>
}

/** Of version 2. Errors: MoneyRangeError beyond 2^51; UNAVAILABLE at a time that no receipt may bear. */
export function makeReceiptV2(facts: ReceiptFactsV2): WithoutSig<ReceiptV2> {
  const { signed, unit, ...rest } = facts
  for (const at of [facts.settledAt, facts.releaseAt]) if (!isSignedTime(at)) throw fail('clock.outOfRange', { at })
  return {
    v: 2,
    claim: signed.claim,
    claimSig: signed.claimSig,
    unit: { code: unit.code, scale: unit.scale },
    ...rest,
    ...moneyOf(billedTokens(facts.billed), facts.price, facts.feeBps),
  }
}

export function signReceipt<R extends UnsignedReceipt>(key: SigningKey, receipt: R): R & { exchangeSig: string } {
  return { ...receipt, exchangeSig: key.sign(receiptText(receipt)) }
}

/** The price it was billed at: three equal ones in version 1. */
export const receiptPrice = (receipt: Receipt): Price =>
  receipt.v === 1 ? onePrice(receipt.priceNanoPerMtok) : receipt.price

/**
 * What heads of chains name of a release: the SHA-256 of its canonical JSON. Releases are not linked to each other; a job
 * is released once, so two histories that end in the same one at the same number have released the same jobs.
 */
export const releaseHash = ({ seq, jobId, amountNano, at }: Release): string =>
  sha256Hex(canonicalJson({ seq, jobId, amountNano, at }))

/** What the next receipt of this supplier names as `prev`. */
export const receiptHash = (receipt: Receipt): string => sha256Hex(canonicalJson(receipt))

/**
 * MAC over the request exactly as the job frame carried it; the salt is base64url and goes to buyer and seller only.
 */
export const requestMac = (salt: string, request: unknown): string => hmacSha256Hex(salt, canonicalJson(request))

/** MAC of version 1: over the UTF-8 bytes of the whole answer. */
export const answerMac = (salt: string, text: string): string => hmacSha256Hex(salt, text)

/** MAC of version 2: over the canonical JSON of the whole answer. */
export const answerMacV2 = (salt: string, { content, reasoning, toolCalls }: AnswerText): string =>
  hmacSha256Hex(salt, canonicalJson({ content, reasoning, toolCalls }))

/** An answer of text alone. */
export const plainAnswer = (content: string): AnswerText => ({ content, reasoning: '', toolCalls: [] })

export interface VerifyOptions {
  /** The exchange's key, pinned at registration. Without it a receipt is self-consistent at most. */
  exchangeKey?: string
  /** The whole receipt before this one, or null when this must be the supplier's first. */
  prev?: Receipt | null
  /** What the MACs speak of, for whoever has it. */
  content?: { salt: string; request?: unknown; answer?: string | AnswerText }
}

export interface Verified {
  ok: boolean
  /** What this check has shown, one plain line each. */
  shown: string[]
  /** What it could not show, and why. */
  notShown: string[]
  /** Why it is not ok; empty when ok. */
  problems: string[]
}

/** Checks a receipt offline. `receipt` is the raw value as stored or received; never throws for its content. */
export function verifyReceipt(receipt: unknown, options: VerifyOptions = {}): Verified {
  const result: Verified = { ok: false, shown: [], notShown: [], problems: [] }
  if (!receiptSchema.safeParse(receipt).success)
    return { ...result, problems: ['this is not a receipt of version 1 or 2'] }
  const value = receipt as Receipt
  checkSignatures(value, options, result)
  checkMoney(value, result)
  checkChain(value, options, result)
  checkContent(value, options, result)
  return { ...result, ok: result.problems.length === 0 }
}

function judge(result: Verified, right: boolean, shown: string, problem: string): void {
  if (right) result.shown.push(shown)
  else result.problems.push(problem)
}

function checkSignatures(receipt: Receipt, options: VerifyOptions, result: Verified): void {
  const { exchangeSig, ...unsigned } = receipt
  judge(
    result,
    claimSigned(receipt),
    `the claim is signed by the supplier ${receipt.claim.supplier}`,
    'the claim is not signed by the supplier it names',
  )
  judge(
    result,
    signedBy(receipt.exchange, receiptText(unsigned), exchangeSig),
    `the receipt is signed by the exchange key ${receipt.exchange}`,
    'the receipt is not signed by the exchange it names',
  )
  if (options.exchangeKey === undefined)
    result.notShown.push(
      'self-consistent only: whose exchange key that is was not checked; name the key pinned at registration',
    )
  else
    judge(
      result,
      options.exchangeKey === receipt.exchange,
      'that is the pinned exchange key',
      `the exchange key is not the pinned one, ${options.exchangeKey}`,
    )
}

function checkMoney(receipt: Receipt, result: Verified): void {
  const { billed, claim } = receipt
  const price = receiptPrice(receipt)
  let right = false
  try {
    const money = moneyOf(billedTokens(billed), price, receipt.feeBps)
    right =
      money.grossNano === receipt.grossNano &&
      money.feeNano === receipt.feeNano &&
      money.sellerNano === receipt.sellerNano
  } catch {
    // Out of range: not an amount this price and count can give.
  }
  judge(
    result,
    right,
    `gross, fee and seller's part follow from ${billed.inputTokens} + ${billed.outputTokens} tokens at ${pricesText(price)} nano-units per million tokens`,
    'the amounts do not follow from tokens, price and fee',
  )
  // Version 1 has one unit a realm; version 2 names it, and the seller compares it with what was agreed.
  if (receipt.v === 1)
    judge(
      result,
      receipt.currency === V1_UNIT_OF_REALM[receipt.realm],
      `the ${receipt.realm} realm's currency is used`,
      `${receipt.currency} is not the currency of the ${receipt.realm} realm`,
    )
  judge(
    result,
    receipt.releaseAt >= receipt.settledAt,
    'the release is not before the settlement',
    'the release is before the settlement',
  )
  const same = billed.inputTokens === claim.usage.inputTokens && billed.outputTokens === claim.usage.outputTokens
  if (same) result.shown.push('supplier and exchange counted the same tokens')
  else
    result.notShown.push(
      `which count is right: the supplier counted ${claim.usage.inputTokens} + ${claim.usage.outputTokens} tokens, the exchange billed ${billed.inputTokens} + ${billed.outputTokens}`,
    )
}

function checkChain(receipt: Receipt, { prev }: VerifyOptions, result: Verified): void {
  if ((receipt.seq === 1) !== (receipt.prev === GENESIS))
    result.problems.push('a first receipt, and only that, has 64 zeros as prev')
  if (prev === undefined)
    result.notShown.push(`that nothing is missing before number ${receipt.seq}: the receipt before it was not given`)
  else if (prev === null)
    judge(
      result,
      receipt.seq === 1,
      'it is the first of its chain',
      `number ${receipt.seq} cannot be the first of its chain`,
    )
  else {
    const follows =
      receipt.seq === prev.seq + 1 &&
      receipt.prev === receiptHash(prev) &&
      receipt.exchange === prev.exchange &&
      receipt.claim.supplier === prev.claim.supplier
    judge(
      result,
      follows,
      `it follows number ${prev.seq} in the chain`,
      `it does not follow number ${prev.seq} in the chain`,
    )
  }
}

function checkContent({ claim }: Receipt, { content }: VerifyOptions, result: Verified): void {
  const { salt, request, answer } = content ?? { salt: '' }
  if (request === undefined) result.notShown.push('what was asked: only its MAC is here')
  else
    judge(
      result,
      requestMac(salt, request) === claim.requestMac,
      'it is for this request',
      'it is for another request or salt',
    )
  if (answer === undefined) result.notShown.push('what was answered: only its MAC is here')
  else
    judge(
      result,
      macOfAnswer(claim, salt, answer) === claim.answerMac,
      'it is for this answer',
      'it is for another answer or salt',
    )
}

function macOfAnswer({ v }: Claim, salt: string, answer: string | AnswerText): string {
  if (v === 1) return answerMac(salt, typeof answer === 'string' ? answer : answer.content)
  return answerMacV2(salt, typeof answer === 'string' ? plainAnswer(answer) : answer)
}

const pricesText = ({ input, cachedInput, output }: Price): string =>
  input === output && input === cachedInput ? String(output) : [input, cachedInput, output].join(', ')

const billedTokens = (billed: Receipt['billed']) => ({
  input: billed.inputTokens,
  cachedInput: 'cachedInputTokens' in billed ? billed.cachedInputTokens : 0,
  output: billed.outputTokens,
})

function moneyOf(
  tokens: ReturnType<typeof billedTokens>,
  price: Price,
  feeBps: number,
): { grossNano: Nano; feeNano: Nano; sellerNano: Nano } {
  const grossNano = costOf(tokens, price)
  const { fee, seller } = splitFee(grossNano, feeBps)
  return { grossNano, feeNano: fee, sellerNano: seller }
}
