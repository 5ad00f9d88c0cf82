/** docs/protocol.md against the code: every frame is named, every example recomputes. */
import { createPrivateKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { answerMac, receiptHash, requestMac, verifyReceipt } from '#books/receipts.ts'
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
import { inputTokens } from '#contract/bytes4.ts'
import { inferenceRequest } from '#contract/inference.ts'
import { canonicalJson } from '#lib/canonical.ts'
import { verifySignature } from '#lib/ed25519.ts'
import { ADDRESS_BOUNDS, LIMITS } from '#exchange-server/exchange-limits.ts'
import { helloText } from '#lib/handshake-texts.ts'

const text = readFileSync('docs/protocol.md', 'utf8')
const examples = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(
  (match) => JSON.parse(match[1]!) as Record<string, string>,
)

const keyOf = (secretHex: string): ReturnType<typeof createPrivateKey> =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(secretHex, 'hex')]),
    format: 'der',
    type: 'pkcs8',
  })

describe('docs/protocol.md', () => {
  it('names every frame and every field of it', () => {
    for (const frame of [
      challengeFrame,
      helloFrame,
      welcomeFrame,
      refusedFrame,
      ...supplierFrame.options,
      ...exchangeFrame.options,
    ]) {
      const { t, ...fields } = frame.shape
      const name = t.value as string
      expect(text).toContain(`\`${name}\``)
      for (const field of Object.keys(fields))
        expect({ frame: name, field, found: new RegExp(`\\b${field}\\b`).test(text) }).toEqual({
          frame: name,
          field,
          found: true,
        })
    }
  })

  it('states the bounds that the code has', () => {
    const said = (value: number): void => expect(text).toContain(value.toLocaleString('en-US'))
    for (const value of [
      FRAME_BYTES_MAX,
      RESEND_BUFFER_MAX,
      LIMITS.framesPerSecond,
      LIMITS.frameBurst,
      LIMITS.violations,
      LIMITS.supplierFrameBytes,
      ADDRESS_BOUNDS.sockets,
      ADDRESS_BOUNDS.handshakes,
      ADDRESS_BOUNDS.helloBurst,
      LIMITS.connections,
      LIMITS.offersPerSupplier,
    ])
      said(value)
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
