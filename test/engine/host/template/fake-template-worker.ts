/** A template thread that does what the first message says: answers, never ends, or takes all memory. */
import { parentPort } from 'node:worker_threads'

import type { RenderRequest } from '#engine/host/template/template-thread.ts'

parentPort?.on('message', ({ id, messages }: RenderRequest) => {
  const said = messages[0]?.content ?? ''
  const kept: number[][] = []
  // One step of native code that nothing can interrupt would look the same from outside.
  if (said === 'never ends') for (;;) kept.length = 0
  if (said === 'takes all memory') for (;;) kept.push(Array.from({ length: 100_000 }, (_, at) => at + 0.5))
  if (said === 'throws') throw new Error('outside of what is caught')
  parentPort?.postMessage({ id, parts: [{ text: said, control: false }] })
})
