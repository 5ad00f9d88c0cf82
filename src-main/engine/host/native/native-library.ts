/**
 * Opens the libraries of llama.cpp inside node-llama-cpp's packages and checks that they match native-prototypes.ts:
 * their versions, and the struct defaults, which read wrong when a field has moved. Where anything differs this throws,
 * and the public loop serves instead.
 */
import koffi from 'koffi'

import type { NativePaths } from './native-packages.ts'
import {
  BASE_FUNCTIONS,
  CONTEXT_DEFAULTS,
  GGML_FUNCTIONS,
  LLAMA_FUNCTIONS,
  MODEL_DEFAULTS,
  NATIVE_VERSIONS,
  STRUCTS,
} from './native-prototypes.ts'
import type { NativeLlama, Pointer, PoolParams } from './native-types.ts'

const LOG_CHARACTERS = 2_000
/** GGML_LOG_LEVEL_WARN; errors are above it. */
const WARNING = 3
/** Of ggml_threadpool_params. */
const THREADS_MAX = 512

type Library = ReturnType<typeof koffi.load>
type Call = (...args: unknown[]) => unknown

/** Declares structs written as `void *a; int b`. koffi keeps their names for the whole process, so this runs once. */
function declareStructs(): void {
  for (const [name, fields] of Object.entries(STRUCTS)) {
    const pairs = fields.split(';').map((field) => {
      const [, type = '', pointer = '', member = ''] = /^\s*(.*?)\s*(\**)(\w+)\s*$/s.exec(field) ?? []
      return [member, `${type} ${pointer}`.trim()]
    })
    koffi.struct(name, Object.fromEntries(pairs) as Record<string, string>)
  }
}
let declared = false

const functionsOf = (library: Library, prototypes: string): Record<string, Call> =>
  Object.fromEntries(
    prototypes
      .trim()
      .split('\n')
      .map((line) => [/(\w+)\(/.exec(line)?.[1] ?? '', library.func(line.trim()) as unknown as Call]),
  )

/** C's own memcpy: a typed array passed as a pointer lives as long as the call. */
function memory(): Pick<NativeLlama, 'allocate' | 'release' | 'copyIn' | 'copyOut'> {
  const library = koffi.load(
    process.platform === 'win32'
      ? 'ucrtbase.dll'
      : process.platform === 'darwin'
        ? '/usr/lib/libSystem.B.dylib'
        : 'libc.so.6',
  )
  const memcpy = library.func('void *memcpy(void *to, void *from, size_t bytes)') as unknown as Call
  return {
    allocate: (type, count) => koffi.alloc(`${type}_t`, count),
    release: (pointer) => koffi.free(pointer),
    copyIn: (to, from, bytes) => void memcpy(to, from, bytes),
    copyOut: (to, from, bytes) => void memcpy(to, from, bytes),
  }
}

/** The CPU backend is a plug-in: its functions are looked up by name. */
function threadpools(
  library: Library,
  all: Record<string, Call>,
): Pick<NativeLlama, 'ggml_threadpool_params_default' | 'ggml_threadpool_new' | 'ggml_threadpool_free'> {
  const params = koffi.struct({
    cpumask: koffi.array('bool', THREADS_MAX),
    n_threads: 'int',
    prio: 'int',
    poll: 'uint32_t',
    strict_cpu: 'bool',
    paused: 'bool',
  })
  const CPU = 0
  const registry = all['ggml_backend_dev_backend_reg']?.(all['ggml_backend_dev_by_type']?.(CPU))
  const [create, free] = ['ggml_threadpool_new', 'ggml_threadpool_free'].map(
    (name) => all['ggml_backend_reg_get_proc_address']?.(registry, name) ?? null,
  )
  if (create === null || free === null) throw new Error('the CPU backend has no thread pool')
  const [createType, freeType] = [
    koffi.proto('void *', [koffi.inout(koffi.pointer(params))] as never),
    koffi.proto('void', ['void *'] as never),
  ]
  const defaults = library.func('ggml_threadpool_params_default', params, ['int']) as unknown as (
    threads: number,
  ) => PoolParams
  const { n_threads: threads, poll, prio, paused } = defaults(2)
  if (threads !== 2 || poll !== 50 || prio !== 0 || paused !== false)
    throw new Error('the defaults of a thread pool are not what was expected')
  return {
    ggml_threadpool_params_default: defaults,
    ggml_threadpool_new: (params) => koffi.call(create, createType, params) as Pointer | null,
    ggml_threadpool_free: (pool) => void koffi.call(free, freeType, pool),
  }
}

/** ggml_backend_dev_props: the size of all memory and the text that names the slot; far fewer bytes than are given to it. */
const PROPS = { bytes: 256, total: 24, deviceId: 40 } as const
/** `0000:01:00.0`, as Vulkan and CUDA write it. */
const PCI = /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]$/

/** The slot is believed only where the struct has the shape that it had: the same sum of memory at its place. */
function deviceFacts(all: Record<string, Call>): NativeLlama['deviceFacts'] {
  return (device) => {
    const [free, total] = [[0], [0]]
    all['ggml_backend_dev_memory']?.(device, free, total)
    const [freeBytes, totalBytes] = [Number(free[0]), Number(total[0])]
    const props = Buffer.alloc(PROPS.bytes)
    all['ggml_backend_dev_get_props']?.(device, props)
    const isKnown = Number(props.readBigUInt64LE(PROPS.total)) === totalBytes && totalBytes > 0
    const id = isKnown ? (koffi.decode(props, PROPS.deviceId, 'const char *') as string | null) : null
    const pci = id?.toLowerCase() ?? ''
    const backend = all['ggml_backend_reg_name']?.(all['ggml_backend_dev_backend_reg']?.(device)) as string | null
    return { backend: backend ?? '', freeBytes, totalBytes, pci: PCI.test(pci) ? pci : null }
  }
}

/**
 * Warnings and errors, kept for error messages. They arrive on this thread only, inside our calls: worker threads log
 * nothing.
 */
function catchLog(llama: Library): () => string {
  let text = ''
  const callback = koffi.proto('void', ['int', 'const char *', 'void *'] as never)
  const handler = koffi.register((level: number, line: string) => {
    if (level >= WARNING) text = (text + line).slice(-LOG_CHARACTERS)
  }, koffi.pointer(callback))
  ;(llama.func('llama_log_set', 'void', [koffi.pointer(callback), 'void *'] as never) as unknown as Call)(handler, null)
  return () => {
    const taken = text.trim()
    text = ''
    return taken
  }
}

/** Null when everything is as expected. Exported for the test that must fail when a struct changes. */
export function shapeProblem(found: {
  ggml: string
  llama: string
  model: Record<string, unknown>
  context: Record<string, unknown>
}): string | null {
  if (found.ggml !== NATIVE_VERSIONS.ggml || !found.llama.startsWith(NATIVE_VERSIONS.llama))
    return `llama.cpp ${found.llama} with ggml ${found.ggml} was not tried`
  const differs = (values: Record<string, unknown>, expected: Readonly<Record<string, unknown>>): string | undefined =>
    Object.keys(expected).find((name) => values[name] !== expected[name])
  const wrong = differs(found.model, MODEL_DEFAULTS) ?? differs(found.context, CONTEXT_DEFAULTS)
  return wrong === undefined ? null : `the default of ${wrong} is not what was expected`
}

/**
 * Loads the libraries and their backends; call it once per process for the same libraries. Throws when anything is
 * missing or not as expected.
 */
export function openNative(paths: NativePaths): NativeLlama {
  if (!declared) declareStructs()
  declared = true
  const [base, ggml, llama] = [koffi.load(paths.base), koffi.load(paths.ggml), koffi.load(paths.llama)]
  const all = {
    ...functionsOf(base, BASE_FUNCTIONS),
    ...functionsOf(ggml, GGML_FUNCTIONS),
    ...functionsOf(llama, LLAMA_FUNCTIONS),
  }
  const takeLog = catchLog(llama)
  const named = all as unknown as NativeLlama & {
    ggml_version: () => string
    llama_version: () => string
    llama_backend_init: () => void
  }
  const found = {
    ggml: named.ggml_version(),
    llama: named.llama_version(),
    model: named.llama_model_default_params(),
    context: named.llama_context_default_params(),
  }
  const problem = shapeProblem(found)
  if (problem !== null) throw new Error(problem)
  named.llama_backend_init()
  named.ggml_backend_load_all_from_path(paths.folder)
  return { ...named, ...memory(), ...threadpools(base, all), deviceFacts: deviceFacts(all), takeLog }
}
