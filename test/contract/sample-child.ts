/**
 * The far end of the child-process channel: `rpc` serves the sample contract, `echo` sends every message back, `burst`
 * sends and disconnects.
 */
import { childProcessChannel } from '#contract/channel/child-process.ts'

import { serveSample } from './sample.ts'

const channel = childProcessChannel(process)
if (process.argv[2] === 'rpc') serveSample(channel)
if (process.argv[2] === 'echo')
  channel.onMessage((message) => (message === 'close' ? channel.close('asked to') : channel.send(message)))
if (process.argv[2] === 'burst') {
  for (let n = 0; n < 50; n += 1) channel.send({ n, text: 'x'.repeat(20_000) })
  channel.close('done')
}
