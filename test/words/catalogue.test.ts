/** Every code has words, the words parse, and they use exactly what the code gives them. */
import { describe, expect, it } from 'vitest'

import { fail, fromErrorValue, StokerError, toErrorValue } from '#contract/errors.ts'
import { because, checkedReason, parseStoredReason, REASONS, said, storedReason } from '#contract/reasons.ts'
import { english } from '#words/en/english.ts'
import { wordsFor } from '#words/languages.ts'
import { TEXTS } from '#words/texts/texts.ts'
import { createWords, englishWords } from '#words/words.ts'

import { catalogueProblems } from '../support/catalogue-problems.ts'

/** Every language (docs/how-to/add-a-language.md). */
const CATALOGUES = { english }

describe.each(Object.entries(CATALOGUES))('the catalogue %s', (_language, catalogue) => {
  it('has a message for every code, and names nothing that is not given', () => {
    expect(catalogueProblems(catalogue.reasons, REASONS)).toEqual([])
    const texts = Object.fromEntries(Object.entries(TEXTS).map(([key, names]) => [key, [null, ...names] as const]))
    expect(catalogueProblems(catalogue.texts, texts)).toEqual([])
  })
})

describe('a catalogue', () => {
  it.each([
    ['a message is missing', { one: 'One.' }, ['two has no message']],
    ['a message is empty', { one: 'One.', two: ' ' }, ['two has no message']],
    ['a code is unknown', { one: 'One.', two: '{a}', three: 'Three.' }, ['three is no code']],
    ['a name is not given', { one: 'One {b}.', two: '{a}' }, ['one names {b}, which is not given']],
    ['a name is left out', { one: 'One.', two: 'Two.' }, ['two leaves {a} out']],
    ['it does not parse', { one: 'One {.', two: '{a}' }, [expect.stringContaining('one does not parse')]],
  ])('is refused when %s', (_, catalogue, problems) => {
    expect(catalogueProblems(catalogue as Record<string, string>, { one: [null], two: [null, 'a'] })).toEqual(problems)
  })
})

describe('words', () => {
  it('says a reason within a reason, and leaves paths and angle brackets as they are', () => {
    const inner = because('remote.noAnswerWithin', { seconds: 3 })
    expect(englishWords.say(because('remote.unreachable', { host: 'gpu1:8000', reason: inner }))).toBe(
      'gpu1:8000 cannot be reached (no answer within 3 s). Look whether the server runs, and at its address.',
    )
    expect(englishWords.say(because('owner.certificate', { url: 'https://x', error: 'EXPIRED' }))).toContain(
      'NODE_EXTRA_CA_CERTS=<certificate file>',
    )
    expect(englishWords.say(said("it's {odd} '{quoted}' <b>"))).toBe("it's {odd} '{quoted}' <b>")
  })

  it('writes numbers as the locale does', () => {
    const params = { path: '/m.gguf', needed: 1234.56, total: 2.5 }
    expect(createWords('de', english).say(because('gguf.tooBig', params))).toContain('1.234,6 GiB')
    expect(englishWords.say(because('gguf.tooBig', params))).toContain('1,234.6 GiB')
  })
})

describe('the words of a locale', () => {
  it('are English where the language has no catalogue, with numbers as the locale writes them', () => {
    const ja = wordsFor('ja')
    expect([ja.language, ja.direction]).toEqual(['en', 'ltr'])
    expect(ja.say(because('rung.jobsLastHour', { jobs: 1, running: 0 }))).toBe('one job in the last hour')
    expect(wordsFor('de-AT').say(because('gguf.tooBig', { path: 'm', needed: 1.5, total: 1 }))).toContain('1,5 GiB')
  })

  it('pseudo: longer, accented, in brackets, and params are left as they are', () => {
    const pseudo = wordsFor('en-XA')
    expect(pseudo.text('home.title')).toBe('[Ĥööɱéé]')
    expect(pseudo.say(because('rung.jobsLastHour', { jobs: 3, running: 0 }))).toMatch(/^\[3 ĵöö.* ĥ.*\]$/)
    expect(pseudo.say(because('inUse.inMemory', { model: 'Stoker nano' }))).toMatch(/^\[Stoker nano î/)
  })

  it('pseudo: right to left', () => {
    const pseudo = wordsFor('ar-XB')
    expect(pseudo.direction).toBe('rtl')
    expect(pseudo.text('home.title')).toBe('\u200f\u202eHome\u202c\u200f')
  })
})

describe('a failure over a wire', () => {
  const error = fail('settings.idleAboveServing', { idle: 90, serving: 40 }, { data: { field: 'wattsIdle' } })

  it('carries its code, its reason and English, and is the same at the other end', () => {
    const value = toErrorValue(error)
    expect(value).toEqual({
      code: 'BAD_REQUEST',
      reason: { code: 'settings.idleAboveServing', params: { idle: 90, serving: 40 } },
      message: 'Idle power (90 W) cannot be above power while serving (40 W); lower the first or raise the second.',
      data: { field: 'wattsIdle' },
    })
    expect(toErrorValue(fromErrorValue(JSON.parse(JSON.stringify(value))))).toEqual(value)
  })

  it('keeps the sentence of a peer whose reason is not known here, or is not what its code needs', () => {
    for (const reason of [
      { code: 'future.code', params: {} },
      { code: 'settings.idleAboveServing', params: { idle: 90 } },
      { code: 'settings.idleAboveServing', params: { idle: 90, serving: [] } },
      { code: 'toString', params: {} },
      'text',
      null,
    ]) {
      const back = fromErrorValue({ code: 'CONFLICT', message: 'Their words.', data: {}, reason: reason as never })
      expect(back.message).toBe('Their words.')
      expect(back.reason).toEqual(said('Their words.'))
    }
  })

  it('says nothing of an unknown error', () => {
    expect(toErrorValue(new Error('a secret'))).toMatchObject({ code: 'INTERNAL', data: {} })
    expect(JSON.stringify(toErrorValue(new Error('a secret')))).not.toContain('secret')
  })
})

describe('a stored reason', () => {
  it('comes back as it was, and an old row’s sentence is shown as it is', () => {
    const reason = because('model.inUse', { reason: because('failure.unknown') })
    expect(parseStoredReason(storedReason(reason))).toEqual(reason)
    expect(parseStoredReason('the listing was taken down')).toEqual(said('the listing was taken down'))
    expect(parseStoredReason('{"code":"future.code","params":{}}')).toEqual(said('{"code":"future.code","params":{}}'))
    expect(parseStoredReason('{broken')).toEqual(said('{broken'))
  })

  it('is refused when it is nested without end', () => {
    let reason: unknown = because('failure.unknown')
    for (let depth = 0; depth < 50; depth += 1) reason = { code: 'model.inUse', params: { reason } }
    expect(checkedReason(reason)).toBeNull()
  })
})

it('a StokerError of a plain sentence keeps it', () => {
  expect(new StokerError('CONFLICT', 'As it is.')).toMatchObject({ message: 'As it is.', reason: said('As it is.') })
})
