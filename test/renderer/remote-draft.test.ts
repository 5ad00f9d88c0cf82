import { describe, expect, it } from 'vitest'

import {
  contextProblem,
  EMPTY_ENDPOINT,
  EMPTY_REMOTE,
  endpointProblems,
  readRemote,
  type RemoteDraft,
} from '../../src-renderer/features/models/remote-draft.ts'

const draft = (part: Partial<RemoteDraft>): RemoteDraft => ({
  endpoints: [{ url: ' https://gpu1.lab:8000 ', key: ' sk-1 ', slots: '8' }],
  model: 'llama',
  contextTokens: '8192',
  ...part,
})

describe('servers to connect', () => {
  it('are read without the spaces of a paste; an empty key is no key, not an empty one', () => {
    expect(readRemote(draft({}))).toEqual({
      model: 'llama',
      contextTokens: 8_192,
      endpoints: [{ url: 'https://gpu1.lab:8000', key: 'sk-1', slots: 8 }],
    })
    expect(
      readRemote(draft({ endpoints: [{ url: 'http://127.0.0.1:8080/v1', key: ' ', slots: '1' }] }))?.endpoints[0]?.key,
    ).toBeNull()
  })
  it.each([
    ['no model', { model: '' }],
    ['no context', { contextTokens: '' }],
    ['a context below the least', { contextTokens: '31' }],
    ['a second server without an address', { endpoints: [{ url: 'http://a', key: '', slots: '1' }, EMPTY_ENDPOINT] }],
    ['an address that is none', { endpoints: [{ url: 'gpu1.lab:8000', key: '', slots: '1' }] }],
    ['too many slots', { endpoints: [{ url: 'http://a', key: '', slots: '65' }] }],
  ] satisfies [string, Partial<RemoteDraft>][])('%s: nothing is asked of the core', (_what, part) => {
    expect(readRemote(draft(part))).toBeNull()
  })
  it('an untouched form blames nobody', () => {
    expect(readRemote(EMPTY_REMOTE)).toBeNull()
    expect(endpointProblems(EMPTY_ENDPOINT)).toEqual({})
    expect(contextProblem('')).toBeNull()
    expect(endpointProblems({ url: 'ftp://a', key: '', slots: '0' })).toEqual({
      url: expect.any(String),
      slots: '1 to 64',
    })
    expect(contextProblem('many')).toMatch(/whole number/)
  })
})
