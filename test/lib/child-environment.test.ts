/** Catches: a token of the owner's shell in a child, a proxy for the engine, a GPU setting that gets lost. */
import { describe, expect, it } from 'vitest'

import { CHILD_ENVIRONMENT, childEnvironment } from '#lib/child-environment.ts'

const SHELL = {
  PATH: '/bin',
  HOME: '/home/me',
  LC_ALL: 'C',
  AWS_SECRET_ACCESS_KEY: 'x',
  GITHUB_TOKEN: 'x',
  npm_config__authToken: 'x',
  OPENAI_API_KEY: 'x',
  NODE_OPTIONS: '--inspect',
  SSH_AUTH_SOCK: 'x',
  STOKER_LOG: 'info',
  STOKER_DATA: '/data',
  CUDA_VISIBLE_DEVICES: '1',
  GGML_VK_VISIBLE_DEVICES: '0',
  https_proxy: 'http://proxy:3128',
  no_proxy: 'localhost',
  DISPLAY: ':0',
  UNSET: undefined,
}

describe('the environment of a child', () => {
  it.each([
    ['engine', ['PATH', 'HOME', 'LC_ALL', 'STOKER_LOG', 'CUDA_VISIBLE_DEVICES', 'GGML_VK_VISIBLE_DEVICES']],
    ['exchange', ['PATH', 'HOME', 'LC_ALL', 'STOKER_LOG']],
    // Every card, whatever the engine may use.
    ['sensors', ['PATH', 'HOME', 'LC_ALL', 'STOKER_LOG']],
    [
      'core',
      [
        'PATH',
        'HOME',
        'LC_ALL',
        'STOKER_LOG',
        'STOKER_DATA',
        'CUDA_VISIBLE_DEVICES',
        'GGML_VK_VISIBLE_DEVICES',
        'https_proxy',
        'no_proxy',
        'DISPLAY',
      ],
    ],
  ] as const)('of kind %s is what its list allows, and nothing of the shell’s', (kind, names) => {
    expect(Object.keys(childEnvironment(kind, SHELL))).toEqual(names)
  })

  it('never hands on what changes how Node runs', () => {
    for (const list of Object.values(CHILD_ENVIRONMENT))
      expect(list.filter((name: string) => /^NODE_(OPTIONS|PATH|DEBUG)|^LD_PRELOAD|^DYLD_INSERT/.test(name))).toEqual(
        [],
      )
  })

  it('knows names in any case, as Windows writes them', () => {
    expect(childEnvironment('exchange', { Path: 'C:\\', SystemRoot: 'C:\\Windows' })).toEqual({
      Path: 'C:\\',
      SystemRoot: 'C:\\Windows',
    })
  })
})
