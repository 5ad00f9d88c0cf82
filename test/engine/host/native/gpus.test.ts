import { describe, expect, it } from 'vitest'

import { checkBound, checkVisible, gpusOf } from '#engine/host/native/gpus.ts'

describe('what a process sees', () => {
  const gpu = (name: string) => ({ type: 1, name })
  const inside = (name: string) => ({ type: 2, name })
  const cpu = { type: 0, name: 'CPU' }
  it('GPUs with memory of their own, by their place among all; one inside the processor only where there is no other', () => {
    expect(gpusOf([inside('Iris'), gpu('RTX'), cpu, gpu('RTX')])).toEqual([
      { index: 1, name: 'RTX' },
      { index: 2, name: 'RTX' },
    ])
    expect(gpusOf([cpu, inside('M3'), inside('other')])).toEqual([{ index: 0, name: 'M3' }])
    expect(gpusOf([cpu])).toEqual([])
  })
  it('must be exactly the one it was given: else it would serve from the processor, or spread over all', () => {
    expect(() => checkBound([{ index: 0, name: 'RTX' }])).not.toThrow()
    expect(() => checkBound([])).toThrow(expect.objectContaining({ code: 'ENGINE_LOAD_FAILED' }))
    expect(() => checkBound(gpusOf([gpu('A'), gpu('B')]))).toThrow(/one GPU and sees 2/)
  })
  it('is not nothing where layers are to lie on a GPU: the variable that names no device is named with what it says', () => {
    expect(() => checkVisible([{ index: 0, name: 'RTX' }], { CUDA_VISIBLE_DEVICES: '7' })).not.toThrow()
    const refused = (environment: Record<string, string>) =>
      expect(() => checkVisible([], environment)).toThrow(
        expect.objectContaining({
          code: 'ENGINE_LOAD_FAILED',
          message: expect.stringMatching(
            Object.keys(environment).length > 0
              ? new RegExp(
                  `none here with ${Object.entries(environment)
                    .map((pair) => pair.join('='))
                    .join(', ')}\\. Set`,
                )
              : /none here\. Set/,
          ),
        }),
      )
    refused({})
    refused({ GGML_VK_VISIBLE_DEVICES: '7' })
    refused({ CUDA_VISIBLE_DEVICES: '7' })
    // The wrong one of two was blamed.
    refused({ CUDA_VISIBLE_DEVICES: '0', GGML_VK_VISIBLE_DEVICES: '7' })
  })
})
