import { describe, expect, it } from 'vitest'

import { boundToGpu } from '#engine/client/gpu-environment.ts'

const DEVICES = [
  'CUDA_VISIBLE_DEVICES',
  'HIP_VISIBLE_DEVICES',
  'GGML_VK_VISIBLE_DEVICES',
  'ROCR_VISIBLE_DEVICES',
] as const

describe('the environment of a bound process', () => {
  it.each([
    ['nothing said', {}, 1, ['1', '1', '1', undefined]],
    [
      'a list: its entry, by whatever it is called',
      { CUDA_VISIBLE_DEVICES: '3,GPU-8932f937, MIG-1' },
      1,
      ['GPU-8932f937', 'GPU-8932f937', '1', undefined],
    ],
    [
      'a list that ends before: none, in the words of each backend',
      { CUDA_VISIBLE_DEVICES: '2,-1,0', GGML_VK_VISIBLE_DEVICES: '4' },
      1,
      ['-1', '-1', 'none', undefined],
    ],
    ['an empty list hides all, and still does', { CUDA_VISIBLE_DEVICES: '' }, 0, ['-1', '-1', '0', undefined]],
    [
      'HIP’s own list counts for HIP; ROCr’s stays, HIP counts what it leaves',
      { HIP_VISIBLE_DEVICES: '5,6', ROCR_VISIBLE_DEVICES: '2,3' },
      1,
      ['1', '6', '1', '2,3'],
    ],
    ['Vulkan’s list may have spaces', { GGML_VK_VISIBLE_DEVICES: '2 7' }, 1, ['1', '1', '7', undefined]],
  ])('%s', (_name, environment, gpu, expected) => {
    const bound = boundToGpu({ PATH: '/bin', ...environment }, gpu)
    expect([...DEVICES.map((name) => bound[name]), bound['PATH']]).toEqual([...expected, '/bin'])
  })
})
