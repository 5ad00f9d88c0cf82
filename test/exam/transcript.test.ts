import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { brandId } from '#contract/ids.ts'
import { examItemText, examResultText, seedCommitment, transcriptText } from '#exam/evidence.ts'
import { loadGradeSpecs } from '#exam/grade-specs.ts'
import { createExamSession } from '#exam/exam-session.ts'
import { buildTranscript, verifyTranscript, type Transcript, type TranscriptItem } from '#exam/transcript.ts'
import { canonicalJson, sha256Hex } from '#lib/canonical.ts'
import { generateSigningKey } from '#lib/ed25519.ts'

import { FakeModel, type FakeFaults } from './fake-model.ts'

const [spec] = loadGradeSpecs() as [ReturnType<typeof loadGradeSpecs>[number]]
const SEED = 'k3vD0yM2c1m0s7Q0aC8m5bq1c4x6v9n2r8t5y7u3w0A'
const seller = generateSigningKey()
const exchange = generateSigningKey()
const EXAM = { examId: brandId<Transcript['examId']>('exam_1'), startedAt: 1_000, endedAt: 9_000 }

function sit(
  slots: number,
  faults: FakeFaults = {},
  witness = true,
): { items: TranscriptItem[]; session: ReturnType<typeof createExamSession> } {
  const session = createExamSession({ spec, seed: SEED, slots })
  const model = new FakeModel(spec, SEED, faults)
  const items: TranscriptItem[] = []
  for (let at = 0; at < 2_000 && session.state().verdict === null; at += 1) {
    for (const call of session.next().reverse()) {
      const result = model.answer(call)
      const item = session.record(result)
      const signed = examItemText({
        examId: EXAM.examId,
        itemId: item.itemId,
        replySha256: sha256Hex(result.reply),
        arrivedAt: 2_000 + at,
        right: item.right,
      })
      items.push({
        ...item,
        reply: result.reply,
        witness: witness ? { arrivedAt: 2_000 + at, sig: exchange.sign(signed) } : null,
      })
    }
  }
  return { items, session }
}

const base = {
  ...EXAM,
  spec,
  seed: SEED,
  deploymentId: brandId<Transcript['deploymentId']>('dep_1'),
  attempt: 1,
  validUntil: null,
  identity: { kind: 'gguf' as const, sha256: brandId<never>('a'.repeat(64)), engine: 'fake 1', device: 'CPU' },
}

function witnessed(slots = 1, faults: FakeFaults = {}): string {
  const { items, session } = sit(slots, faults)
  const { verdict, limits } = session.state()
  const sig = exchange.sign(
    examResultText({ examId: EXAM.examId, verdict: verdict!, limits, seed: SEED, at: 8_000, validUntil: null }),
  )
  return buildTranscript(
    {
      ...base,
      slots,
      class: 'witnessed',
      commitment: seedCommitment(SEED),
      items,
      result: { exchange: exchange.publicKey, at: 8_000, sig },
    },
    seller,
  ).json
}

const self = (): string =>
  buildTranscript(
    { ...base, slots: 1, class: 'self', commitment: null, items: sit(1, {}, false).items, result: null },
    seller,
  ).json

/** Changes a transcript and signs it again, as a dishonest seller would. */
function forged(json: string, change: (transcript: Transcript) => void): string {
  const transcript = JSON.parse(json) as Transcript
  change(transcript)
  const { supplierSig: _, ...unsigned } = transcript
  return canonicalJson({ ...unsigned, supplierSig: seller.sign(transcriptText(unsigned)) })
}

const good = witnessed()

describe('transcript', () => {
  it('verifies a witnessed one and says what it shows and what it does not', () => {
    const check = verifyTranscript(good, { exchangeKey: exchange.publicKey })
    expect(check).toMatchObject({ ok: true, class: 'witnessed', problems: [] })
    expect(check.shown).toContain('121 of 121 verdicts re-checked')
    expect(check.notShown).toContain('which model wrote the replies')
    expect(check.notShown.join()).not.toContain('self-consistent only')
  })

  it('without the exchange’s key says self-consistent only (catches a false sense of safety)', () => {
    const check = verifyTranscript(good)
    expect(check.ok).toBe(true)
    expect(check.notShown.join()).toContain('self-consistent only')
  })

  it('verifies a self exam, and says that nobody else committed to the seed', () => {
    const check = verifyTranscript(self())
    expect(check).toMatchObject({ ok: true, class: 'self' })
    expect(check.notShown.join()).toContain('nobody else committed')
  })

  it.each(['passed', 'not-reached'] as const)(
    'puts out-of-order items of a %s exam into the plan’s order and leaves out those that do not count',
    (verdict) => {
      const json = witnessed(4, verdict === 'passed' ? {} : { slowSlotsEvery: 2 })
      const transcript = JSON.parse(json) as Transcript
      expect(transcript.verdict).toBe(verdict)
      expect(verifyTranscript(json, { exchangeKey: exchange.publicKey })).toMatchObject({ ok: true, problems: [] })
      const slots = transcript.items
        .filter((item) => item.phase === 'slots')
        .map((item) => Number(item.itemId.split('/')[2]))
      expect(slots).toEqual(slots.map((_, at) => at))
    },
  )

  it('verifies an exam with failed, late and short calls', () => {
    const json = witnessed(2, { failShare: 0.01, rightShare: 0.9 })
    expect(verifyTranscript(json, { exchangeKey: exchange.publicKey }).problems).toEqual([])
  })

  it('is not built from an unfinished exam', () => {
    const items = sit(1).items.slice(0, 50)
    expect(() =>
      buildTranscript({ ...base, slots: 1, class: 'self', commitment: null, items, result: null }, seller),
    ).toThrow(/not finished/)
  })

  it.each<[string, (transcript: Transcript) => void]>([
    [
      'a wrong answer marked right',
      (t) => {
        t.items[3]!.reply = 'no idea'
        t.items[3]!.tokens = 2
      },
    ],
    [
      'a reply that is better than the one witnessed',
      (t) => {
        t.items[120]!.reply += 'word'
        t.items[120]!.tokens += 1
      },
    ],
    ['an item left out', (t) => void t.items.splice(3, 1)],
    ['an item twice', (t) => void t.items.splice(3, 0, t.items[3]!)],
    [
      'two items exchanged',
      (t) => {
        ;[t.items[3], t.items[4]] = [t.items[4]!, t.items[3]!]
      },
    ],
    [
      'another seed',
      (t) => {
        t.seed = SEED.replace('k', 'j')
      },
    ],
    [
      'another verdict',
      (t) => {
        t.verdict = 'undecided'
      },
    ],
    [
      'a kinder limit',
      (t) => {
        t.limits[0]!.low = 0.99
      },
    ],
    [
      'a lower floor',
      (t) => {
        t.spec.limits.intelligence.floor = 0.1
      },
    ],
    [
      'a lower floor with its limits',
      (t) => {
        t.limits[0]!.floor = t.spec.limits.intelligence.floor = 0.65
      },
    ],
    [
      'more tokens than the reply has',
      (t) => {
        t.items[50]!.tokens += 1
      },
    ],
    [
      'an error turned into a right answer',
      (t) => {
        t.items[3]!.reason = 'error ENGINE_CRASHED'
      },
    ],
    [
      'a countersignature taken from another item',
      (t) => {
        t.items[3]!.witness = t.items[4]!.witness
      },
    ],
    [
      'no countersignature',
      (t) => {
        t.items[3]!.witness = null
      },
    ],
    [
      'no signed result',
      (t) => {
        t.result = null
      },
    ],
    [
      'no commitment',
      (t) => {
        t.commitment = null
      },
    ],
    [
      'another commitment',
      (t) => {
        t.commitment = 'b'.repeat(64)
      },
    ],
    [
      'a validity the exchange never gave',
      (t) => {
        t.validUntil = 8.64e15
      },
    ],
    [
      'a rerun of nothing',
      (t) => {
        t.class = 'rerun'
      },
    ],
    [
      'an unknown field',
      (t) => {
        ;(t as unknown as Record<string, unknown>)['note'] = 'trust me'
      },
    ],
  ])('refuses %s, though the seller signed it', (_, change) => {
    const check = verifyTranscript(forged(good, change), { exchangeKey: exchange.publicKey })
    expect(check.ok).toBe(false)
    expect(check.problems.length).toBeGreaterThan(0)
    expect(check.shown).toEqual([])
  })

  it('refuses its own signature in another spelling (catches two files with different hashes for one transcript)', () => {
    const same = good.replace(
      /("supplierSig":"[A-Za-z0-9_-]{85})(.)/,
      (_, head: string, last: string) => `${head}${{ A: 'B', Q: 'R', g: 'h', w: 'x' }[last]!}`,
    )
    expect(same).not.toBe(good)
    expect(verifyTranscript(same).ok).toBe(false)
  })

  it('refuses another exchange than the pinned one', () => {
    expect(verifyTranscript(good, { exchangeKey: generateSigningKey().publicKey }).ok).toBe(false)
  })

  it('refuses a change that the seller did not sign, and text that is not canonical', () => {
    expect(verifyTranscript(good.replace('"attempt":1', '"attempt":2')).problems).toEqual([
      'the seller’s signature is not valid',
    ])
    expect(verifyTranscript(JSON.stringify(JSON.parse(good), null, 1)).problems).toEqual([
      'the file is not in canonical form, so its hash means nothing',
    ])
  })

  it('never throws, whatever the file holds', () => {
    const changed = fc
      .tuple(fc.nat(good.length - 1), fc.constantFrom('9', 'A', '}', '"'))
      .filter(([at, sign]) => good[at] !== sign)
      .map(([at, sign]) => `${good.slice(0, at)}${sign}${good.slice(at + 1)}`)
    const refuses = (text: string): void => {
      // Compared as a value: a failing run must not print the whole transcript.
      expect(verifyTranscript(text).ok).toBe(false)
    }
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), refuses), { numRuns: 40 })
    fc.assert(fc.property(changed, refuses), { numRuns: 60 })
    expect(verifyTranscript(good.replace('"provisional":true', '"provisional":true,"x":1e999')).ok).toBe(false)
    expect(
      verifyTranscript(
        good.replace('"provisional":true', `"provisional":true,"x":${'['.repeat(20_000)}${']'.repeat(20_000)}`),
      ).ok,
    ).toBe(false)
  })

  it('states the hash of exactly the text it hands out', () => {
    const built = buildTranscript(
      { ...base, slots: 1, class: 'self', commitment: null, items: sit(1, {}, false).items, result: null },
      seller,
    )
    expect(built.sha256).toBe(sha256Hex(built.json))
  })

  describe('with a reply the seller no longer holds', () => {
    const lostOne = (pick: (item: TranscriptItem) => boolean): string => {
      const { items, session } = sit(1, { rightShare: 0.95 })
      const { verdict, limits } = session.state()
      const sig = exchange.sign(
        examResultText({ examId: EXAM.examId, verdict: verdict!, limits, seed: SEED, at: 8_000, validUntil: null }),
      )
      const at = items.findIndex(pick)
      const { reply, witness, ...item } = items[at]!
      items[at] = { ...item, reply: null, witness: { ...witness!, replySha256: sha256Hex(reply!) } }
      return buildTranscript(
        {
          ...base,
          slots: 1,
          class: 'witnessed',
          commitment: seedCommitment(SEED),
          items,
          result: { exchange: exchange.publicKey, at: 8_000, sig },
        },
        seller,
      ).json
    }

    it('verifies when that call counted wrong, and says that the reply is not there', () => {
      const check = verifyTranscript(
        lostOne((item) => !item.right && item.tokens > 0),
        { exchangeKey: exchange.publicKey },
      )
      expect(check.problems).toEqual([])
      expect(check.notShown.join()).toContain('what 1 of the replies said')
      expect(check.shown.join()).toMatch(/(\d+) of (?!\1 )\d+ verdicts re-checked/)
    })

    it('does not when that call counted right, when its hash is another, or when nobody witnessed it', () => {
      expect(verifyTranscript(lostOne((item) => item.right)).problems.join()).toContain(
        'is marked right, and its reply is not here',
      )
      const lost = lostOne((item) => !item.right && item.tokens > 0)
      const swapped = forged(
        lost,
        ({ items }) => (items.find((item) => item.reply === null)!.witness!.replySha256 = sha256Hex('something else')),
      )
      expect(verifyTranscript(swapped).problems).toEqual([expect.stringContaining('lack a valid countersignature')])
      const unwitnessed = forged(lost, (transcript) => (transcript.class = 'self'))
      expect(verifyTranscript(unwitnessed).problems.join()).toContain('has no reply, and no exchange says what it was')
    })
  })
})
