/**
 * The environment of each kind of child: an allow list as data, the same in both modes. What is not on it stays with
 * the process that the owner started: tokens of other programs, npm's settings, what a shell exports for its own sake.
 */
/** Paths of programs and libraries, folders, language, time zone, our own log level. `X*` is a prefix. */
const COMMON = [
  'PATH',
  'HOME',
  'USERPROFILE',
  'TMPDIR',
  'TEMP',
  'TMP',
  'LANG',
  'LC_*',
  'TZ',
  'SYSTEMROOT',
  'WINDIR',
  'LOCALAPPDATA',
  'APPDATA',
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
  'ELECTRON_RUN_AS_NODE',
  'NODE_COMPILE_CACHE',
  'STOKER_LOG',
] as const
/** What GPU drivers and the engine library read; among it where a driver keeps what it compiled. */
const GPU = [
  'CUDA_*',
  'HIP_*',
  'ROCR_*',
  'HSA_*',
  'GGML_*',
  'VK_*',
  'NVIDIA_*',
  'MESA_*',
  'RADV_*',
  '__GL_SHADER_DISK_CACHE*',
  'XDG_CACHE_HOME',
  'NODE_LLAMA_CPP_*',
] as const
/** How remote servers are reached, and whom TLS trusts. */
const NETWORK = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'NODE_USE_ENV_PROXY',
  'NODE_EXTRA_CA_CERTS',
  'NODE_USE_SYSTEM_CA',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
] as const
/** The screen that sensors look at, and the session bus. */
const SCREEN = ['DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY', 'XDG_*', 'DBUS_SESSION_BUS_ADDRESS'] as const

export const CHILD_ENVIRONMENT = {
  engine: [...COMMON, ...GPU],
  exchange: COMMON,
  /** Every device, whatever the owner lets the engine see. */
  sensors: COMMON,
  core: [...COMMON, ...GPU, ...NETWORK, ...SCREEN, 'STOKER_*'],
} as const satisfies Record<string, readonly string[]>

const isOn = (list: readonly string[], name: string): boolean => {
  const upper = name.toUpperCase()
  return list.some((entry) => (entry.endsWith('*') ? upper.startsWith(entry.slice(0, -1)) : upper === entry))
}

/** What of `environment` a child of that kind gets. */
export function childEnvironment(
  kind: keyof typeof CHILD_ENVIRONMENT,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const list = CHILD_ENVIRONMENT[kind]
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && isOn(list, entry[0]),
    ),
  )
}
