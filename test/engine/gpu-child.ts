/**
 * An engine host for rigs nobody has: a real process that says which GPUs its environment lets it see, by the drivers'
 * own rules for such a variable, and loads nothing. `TMPDIR` (passed on by fork-child.ts) ends in `/full-N` for a GPU N
 * without room.
 */
const rig = ['Fake GPU 0', 'Fake GPU 1', 'Fake GPU 2', 'Fake GPU 3']
const {
  CUDA_VISIBLE_DEVICES: visible,
  GGML_VK_VISIBLE_DEVICES: vulkan,
  HIP_VISIBLE_DEVICES: hip,
  TMPDIR: folder = '',
} = process.env
const named =
  visible === undefined
    ? rig.slice(0, 2)
    : visible.split(',').flatMap((entry) => (/^\d+$/.test(entry) ? (rig[Number(entry)] ?? []) : []))
const full = /\/full-(\d)$/.exec(folder)?.[1]

interface Request {
  t: string
  id: number
  sha256: string
  settings: { slots: number; contextTokens: number; processes?: number; gpus?: string }
}

function answer({ t, sha256, settings }: Request): unknown {
  const device = named.join(' + ') || 'CPU'
  if (t === 'gpus') return named.map((name, index) => ({ index, name }))
  if (t === 'inspect')
    return {
      memory: {
        neededBytes: 100 * settings.slots * (settings.processes ?? 1),
        freeBytes: 1_000 - 100 * Number(visible ?? 0),
        fits: 'yes',
        method: device,
      },
    }
  if (t === 'load')
    return {
      sha256,
      contextTokens: settings.contextTokens,
      slots: settings.slots,
      engine: [visible, hip, vulkan].join(' '),
      device,
    }
  return null
}

process.on('message', (request: Request) => {
  if (request.t === 'stop') process.exit(0)
  if (request.t === 'load' && named.includes(`Fake GPU ${full}`)) {
    const data = { slots: request.settings.slots, contextTokens: 64 }
    process.send?.({ t: 'failed', id: request.id, error: { code: 'ENGINE_OUT_OF_MEMORY', message: 'no room', data } })
  } else process.send?.({ t: 'result', id: request.id, value: answer(request) })
})
process.on('disconnect', () => process.exit(0))
process.send?.({ t: 'ready', pid: process.pid })
