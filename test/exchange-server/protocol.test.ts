/** docs/protocol.md and docs/protocol-1.md against the code: every frame is named, every example recomputes. */
import { createPrivateKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { answerMac, answerMacV2, receiptHash, releaseHash, requestMac, verifyReceipt } from '#books/receipts.ts'
import type { Receipt } from '#contract/receipt.ts'
import {
  challengeFrame,
  exchangeFrame,
  helloFrame,
  refusedFrame,
  RESEND_BUFFER_MAX,
  supplierFrame,
  FRAME_BYTES_MAX,
  welcomeFrame,
} from '#contract/supplier.ts'
import {
  challengeFrameV2,
  exchangeFrameV2,
  helloFrameV2,
  supplierFrameV2,
  welcomeFrameV2,
  type AnswerText,
} from '#contract/supplier-v2.ts'
import { inputTokens } from '#contract/bytes4.ts'
import { inferenceRequest } from '#contract/inference.ts'
import { canonicalJson } from '#lib/canonical.ts'
import { verifySignature } from '#lib/ed25519.ts'
import { ADDRESS_BOUNDS, LIMITS } from '#exchange-server/exchange-limits.ts'
import { requestTokens } from '#lib/billed-tokens.ts'
import { helloText, helloTextV2, welcomeTextV2 } from '#lib/handshake-texts.ts'

const page = (name: string) => {
  const text = readFileSync(name, 'utf8')
  const examples = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(
    (match) => JSON.parse(match[1]!) as Record<string, string>,
  )
  return { text, examples }
}
const [v1, v2] = [page('docs/protocol-1.md'), page('docs/protocol.md')]
const unsaid = (text: string, values: readonly number[]): number[] =>
  values.filter((value) => !text.includes(value.toLocaleString('en-US')))

/** Frames, and fields of them, that the text does not name. */
const unnamed = (text: string, frames: readonly { shape: object }[]): string[] =>
  frames.flatMap(({ shape }) => {
    const { t, ...fields } = shape as { t: { value: string } }
    const missing = Object.keys(fields).filter((field) => !new RegExp(`\\b${field}\\b`).test(text))
    return [...(text.includes(`\`${t.value}\``) ? [] : [t.value]), ...missing.map((field) => `${t.value}.${field}`)]
  })

const keyOf = (secretHex: string): ReturnType<typeof createPrivateKey> =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(secretHex, 'hex')]),
    format: 'der',
    type: 'pkcs8',
  })

describe('docs/protocol-1.md', () => {
  const { text, examples } = v1
  it('names every frame and every field of it', () => {
    expect(
      unnamed(text, [
        challengeFrame,
        helloFrame,
        welcomeFrame,
        refusedFrame,
        ...supplierFrame.options,
        ...exchangeFrame.options,
      ]),
    ).toEqual([])
  })

  it('gives a handshake that verifies, and that anyone can sign again from the secret', () => {
    const { supplierSecret, supplier, exchange, nonce, sig } = examples[0]!
    const signed = helloText(nonce!, exchange!, supplier!)
    expect(verifySignature(supplier!, signed, sig!)).toBe(true)
    expect(sign(null, Buffer.from(signed), keyOf(supplierSecret!)).toString('base64url')).toBe(sig)
    expect(verifySignature(supplier!, helloText(nonce!, supplier!, supplier!), sig!)).toBe(false)
  })

  it('gives a receipt that verifies in every respect', () => {
    const { salt, request, answer, receipt, receiptSha256 } = examples[1] as unknown as {
      salt: string
      request: unknown
      answer: string
      receipt: Receipt
      receiptSha256: string
    }
    const { exchangeSecret, exchange } = examples[0]!
    expect(
      verifyReceipt(receipt, { exchangeKey: exchange!, prev: null, content: { salt, request, answer } }),
    ).toMatchObject({ ok: true, problems: [], notShown: [] })
    expect([requestMac(salt, request), answerMac(salt, answer), receiptHash(receipt)]).toEqual([
      receipt.claim.requestMac,
      receipt.claim.answerMac,
      receiptSha256,
    ])
    expect(inputTokens(inferenceRequest.parse(request).messages)).toBe(receipt.billed.inputTokens)
    const { exchangeSig, ...unsigned } = receipt
    expect(
      sign(null, Buffer.from(`stoker-receipt-v1\n${canonicalJson(unsigned)}`), keyOf(exchangeSecret!)).toString(
        'base64url',
      ),
    ).toBe(exchangeSig)
  })
})

describe('docs/protocol.md', () => {
  const { text, examples } = v2
  const [handshake, sale] = examples as unknown as [
    {
      supplierSecret: string
      exchangeSecret: string
      exchange: string
      nonce: string
      hello: Record<string, string>
      welcome: { sig: string; heads: unknown }
    },
    {
      salt: string
      request: unknown
      answer: AnswerText
      receipt: Receipt
      receiptSha256: string
      release: Parameters<typeof releaseHash>[0]
      releaseSha256: string
    },
  ]

  it('names every frame and every field of it', () => {
    expect(
      unnamed(text, [
        challengeFrameV2,
        helloFrameV2,
        welcomeFrameV2,
        refusedFrame,
        ...supplierFrameV2.options,
        ...exchangeFrameV2.options,
      ]),
    ).toEqual([])
  })

  it('states the bounds that the code has', () => {
    expect(
      unsaid(text, [
        FRAME_BYTES_MAX,
        RESEND_BUFFER_MAX,
        LIMITS.framesPerSecond,
        LIMITS.frameBurst,
        LIMITS.violations,
        LIMITS.supplierFrameBytes,
        ADDRESS_BOUNDS.sockets,
        ADDRESS_BOUNDS.handshakes,
        LIMITS.connections,
        LIMITS.offersPerSupplier,
      ]),
    ).toEqual([])
  })

  it('gives a handshake that both sides signed over both nonces, and that anyone can sign again', () => {
    const { supplierSecret, exchangeSecret, exchange, nonce, hello, welcome } = handshake
    expect([helloFrameV2.parse(hello), welcomeFrameV2.parse(welcome)]).toEqual([hello, welcome])
    const signed = helloTextV2(nonce, exchange, hello)
    expect(verifySignature(hello['supplier']!, signed, hello['sig']!)).toBe(true)
    expect(sign(null, Buffer.from(signed), keyOf(supplierSecret)).toString('base64url')).toBe(hello['sig'])
    const back = welcomeTextV2(nonce, hello['nonce']!, hello['supplier']!, welcome)
    expect(verifySignature(exchange, back, welcome.sig)).toBe(true)
    expect(sign(null, Buffer.from(back), keyOf(exchangeSecret)).toString('base64url')).toBe(welcome.sig)
    for (const other of [
      helloTextV2(hello['nonce']!, exchange, hello),
      helloTextV2(nonce, exchange, { ...hello, epoch: 4 }),
    ])
      expect(verifySignature(hello['supplier']!, other, hello['sig']!)).toBe(false)
    expect(welcome.heads).toEqual({
      receipts: { seq: 1, hash: sale.receiptSha256 },
      releases: { seq: 1, hash: sale.releaseSha256 },
    })
  })

  it('gives a receipt that verifies in every respect, and its release', () => {
    const { salt, request, answer, receipt, receiptSha256, release, releaseSha256 } = sale
    expect(
      verifyReceipt(receipt, { exchangeKey: handshake.exchange, prev: null, content: { salt, request, answer } }),
    ).toMatchObject({ ok: true, problems: [], notShown: [] })
    expect([requestMac(salt, request), answerMacV2(salt, answer), receiptHash(receipt), releaseHash(release)]).toEqual([
      receipt.claim.requestMac,
      receipt.claim.answerMac,
      receiptSha256,
      releaseSha256,
    ])
    expect(requestTokens(inferenceRequest.parse(request))).toBe(receipt.billed.inputTokens)
    expect(release.amountNano).toBe(receipt.sellerNano)
    const { exchangeSig, ...unsigned } = receipt
    const signed = `stoker-receipt-v2\n${canonicalJson(unsigned)}`
    expect(sign(null, Buffer.from(signed), keyOf(handshake.exchangeSecret)).toString('base64url')).toBe(exchangeSig)
  })
})
