/**
 * Entry of the thread that runs the chat template of one model. Whatever a template does, the steps of the host go on:
 * a thread of its own can be late, run out of memory or be ended without any stream noticing.
 */
import { parentPort, workerData } from 'node:worker_threads'

import { type StokerError, toErrorValue } from '#contract/errors.ts'

import { compileTemplate, type ChatTemplate } from './template.ts'
import { callIdOf, type RenderAnswer, type RenderRequest, type TemplateSource } from './template-thread.ts'

const { source, bos, eos, callIds } = workerData as TemplateSource

/** A failure is kept too: a template that does not compile never will. */
let compiled: { template: ChatTemplate } | { error: StokerError } | null = null

function compile(): { template: ChatTemplate } | { error: StokerError } {
  try {
    return { template: compileTemplate(source, { bos, eos, callId: callIdOf(callIds) }) }
  } catch (error) {
    return { error: error as StokerError }
  }
}

parentPort?.on('message', ({ id, messages, tools }: RenderRequest) => {
  let answer: RenderAnswer
  try {
    compiled ??= compile()
    if ('error' in compiled) throw compiled.error
    answer = { id, parts: compiled.template.render(messages, tools) }
  } catch (error) {
    answer = { id, error: toErrorValue(error) }
  }
  parentPort?.postMessage(answer)
})
