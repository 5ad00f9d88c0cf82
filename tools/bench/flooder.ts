/**
 * The hostile side of `npm run bench:flood`: N sockets, each with a bad habit of its own, back at once whenever it is
 * thrown out. Runs below everything else, so that what is measured is the exchange and not the want of cores. Reports
 * what it did as one line of JSON when its standard input ends.
 */
import { setPriority } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { WebSocket } from 'ws'

import { generateSigningKey } from '#lib/ed25519.ts'

/** Another address than the honest supplier's: what one address may take is bounded. */
const FROM = '127.0.0.2'

const { values } = parseArgs({
  options: { url: { type: 'string' }, sockets: { type: 'string' }, habit: { type: 'string', default: 'mix' } },
})
const url = `${(values.url ?? '').replace('http', 'ws')}/supplier/v1`
const sockets = Number(values.sockets ?? 8)
/** Bytes of ours that may wait here: the flood is bounded by the exchange, not by this process' memory. */
const WAITING_BYTES = 2 * 2 ** 20
const AGAIN_MS = 20

interface Line {
  socket: WebSocket
  /** The exchange's last frame. */
  received: () => number
  sent: () => number
  frame(frame: unknown): void
}

/** Sends as much as it likes; called again whenever the socket has room. */
type Habit = (line: Line) => void

const IDS = Array.from({ length: 500 }, (_, index) => `job_${String(index).padStart(28, '0')}`)
const sync = { t: 'sync', afterReceiptSeq: 0, afterReleaseSeq: 0, openJobs: IDS }
const LARGE = `{"seq":0,"ack":0,"frame":${'['.repeat(260_000)}${']'.repeat(260_000)}}`
const MANY_KEYS = JSON.stringify({
  t: 'job.error',
  jobId: 'job_x',
  error: { code: 'x', message: 'x', data: Object.fromEntries(IDS.map((id) => [id, 'x'.repeat(980)])) },
})

const HABITS: Readonly<Record<string, Habit>> = {
  /** Asks for everything and never acknowledges. */
  'sync, no ack': (line) => line.frame(sync),
  /** The same, and acknowledges at once. */
  'sync, acked': (line) => line.frame(sync),
  /** Never reads what it asks for. */
  'no reading': (line) => {
    line.socket.pause()
    line.frame({ t: 'ping', n: 1 })
  },
  'large and deep': (line) => line.socket.send(LARGE),
  'many keys': (line) => line.frame(JSON.parse(MANY_KEYS)),
  'exam after exam': (line) =>
    line.frame({
      t: 'exam.start',
      requestId: 'r',
      instrument: 'practice/text-nano',
      deploymentId: 'dep_1',
      identity: { kind: 'gguf', sha256: 'ab'.repeat(32), engine: 'e', device: 'd' },
      slots: 1,
    }),
  'claims of nothing': (line) =>
    line.frame({ t: 'job.error', jobId: 'job_none', error: { code: 'x', message: 'x', data: {} } }),
  garbage: (line) => line.socket.send('{not json'),
}

const counts: Record<string, { connections: number; refused: number; frames: number; mib: number }> = {}

async function connect(habit: string): Promise<void> {
  const count = (counts[habit] ??= { connections: 0, refused: 0, frames: 0, mib: 0 })
  const key = generateSigningKey()
  const socket = new WebSocket(url, { perMessageDeflate: false, localAddress: FROM })
  let [received, sent] = [0, 0]
  const acknowledges = habit !== 'sync, no ack'
  const line: Line = {
    socket,
    received: () => received,
    sent: () => sent,
    frame(frame) {
      sent += 1
      const text = JSON.stringify({ seq: sent, ack: acknowledges ? received : 0, frame })
      count.frames += 1
      count.mib += text.length / 2 ** 20
      socket.send(text)
    },
  }
  let welcomed = false
  socket.on('error', () => undefined)
  socket.on('message', (data) => {
    const value = JSON.parse((data as Buffer).toString()) as {
      t?: string
      nonce?: string
      exchange?: string
      seq?: number
    }
    if (value.t === 'challenge') {
      const sig = key.sign(`stoker-supplier-v1\n${value.nonce}\n${value.exchange}\n${key.publicKey}`)
      socket.send(JSON.stringify({ t: 'hello', protocol: 1, supplier: key.publicKey, sig, name: 'x', client: 'flood' }))
    } else if (value.t === 'welcome') welcomed = true
    else if (value.seq !== undefined && value.seq > 0) received = value.seq
  })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const open = (): boolean => socket.readyState === WebSocket.OPEN || socket.readyState === WebSocket.CONNECTING
  while (open()) {
    if (welcomed)
      for (let burst = 0; burst < 16 && open() && socket.bufferedAmount < WAITING_BYTES; burst += 1)
        HABITS[habit]!(line)
    await wait(1)
  }
  await closed
  if (welcomed) count.connections += 1
  else count.refused += 1
}

async function forEver(habit: string): Promise<void> {
  for (;;) {
    await connect(habit)
    await wait(AGAIN_MS)
  }
}

setPriority(10)
const names = values.habit === 'mix' ? Object.keys(HABITS) : [values.habit]
for (let index = 0; index < sockets; index += 1) void forEver(names[index % names.length]!)
process.stdin.on('end', () => {
  process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0))
})
process.stdin.resume()
