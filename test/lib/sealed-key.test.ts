/** Catches: a file that opens with another passphrase, and one word for three different accidents. */
import { describe, expect, it } from 'vitest'

import type { StokerError } from '#contract/errors.ts'
import { canonicalJson, sha256Hex } from '#lib/canonical.ts'
import { generateKeyText } from '#lib/ed25519.ts'
import { openSealed, readSealed, sealKey } from '#lib/sealed-key.ts'

const PASSPHRASE = 'correct horse battery'
const { key, pem } = generateKeyText()
const text = sealKey(pem, key.publicKey, PASSPHRASE)

const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'no error'
  } catch (error) {
    return (error as StokerError).reason.code
  }
}

describe('a key under a passphrase', () => {
  it('comes back with the passphrase, also in another normal form of the same characters', () => {
    expect(openSealed(text, 'k', PASSPHRASE)).toEqual({ secret: pem, publicKey: key.publicKey })
    const sealed = sealKey(pem, key.publicKey, 'caf\u00e9 au lait')
    expect(openSealed(sealed, 'k', 'cafe\u0301 au lait').secret).toBe(pem)
  })

  it('holds nothing of the key in the clear, and is another text each time', () => {
    expect(text).not.toContain(pem.split('\n')[1])
    expect(sealKey(pem, key.publicKey, PASSPHRASE)).not.toBe(text)
  })

  it('tells a wrong passphrase, a file that was cut off or damaged, and another file apart', () => {
    const cut = [1, 0.9, 0.5, 0.2].map((share) => text.slice(0, Math.floor(text.length * share) - 3))
    const flipped = text.replace(/"data": "(.)/, (_, first: string) => `"data": "${first === 'A' ? 'B' : 'A'}`)
    expect(codeOf(() => openSealed(text, 'k', `${PASSPHRASE}.`))).toBe('key.wrongPassphrase')
    for (const part of [...cut, flipped]) expect(codeOf(() => readSealed(part, 'k'))).toBe('key.cutOff')
    for (const other of ['', pem, '{"format":"else"}', text.slice(0, 10)])
      expect(codeOf(() => readSealed(other, 'k'))).toBe('key.notSealed')
  })

  it('does not open under another header, even where the hash over the file was made anew', () => {
    const { sha256: _, ...rest } = JSON.parse(text) as Record<string, unknown>
    const forged = { ...rest, publicKey: generateKeyText().key.publicKey }
    const whole = JSON.stringify({ ...forged, sha256: sha256Hex(canonicalJson(forged)) })
    expect(codeOf(() => openSealed(whole, 'k', PASSPHRASE))).toBe('key.wrongPassphrase')
  })

  it('takes no cost that would fill the memory, and no passphrase that is quickly guessed', () => {
    const { sha256: _, ...rest } = JSON.parse(text) as { kdf: object; sha256: string }
    const costly = { ...rest, kdf: { ...rest.kdf, N: 4_194_304, r: 32 } }
    const whole = JSON.stringify({ ...costly, sha256: sha256Hex(canonicalJson(costly)) })
    expect(codeOf(() => readSealed(whole, 'k'))).toBe('key.cutOff')
    expect(codeOf(() => sealKey(pem, key.publicKey, 'short'))).toBe('key.passphraseShort')
  })
})
