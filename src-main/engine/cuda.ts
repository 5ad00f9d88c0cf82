/**
 * The CUDA builds of llama.cpp: 565 MB that only a machine with an NVIDIA card can use, so they are no part of the
 * install (docs/decisions/0012). They are fetched into .stoker/cuda-VERSION beside node_modules, where npm leaves them
 * alone. Which packages, and their hashes: resources/engine/cuda.json.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import builds from '../../resources/engine/cuda.json' with { type: 'json' }

export interface CudaPackage {
  name: string
  /** `sha512-…` of its archive, as in a lock file. */
  integrity: string
}
export const CUDA_VERSION: string = builds.version
export const CUDA_PACKAGES: readonly CudaPackage[] = builds.packages

/** NVIDIA's driver, also as Windows lends it to its Linux. */
const DRIVER = ['/proc/driver/nvidia/version', '/usr/lib/wsl/lib/libcuda.so.1']
/** Of CUDA's own libraries, which come apart from the driver; without them node-llama-cpp takes Vulkan. */
const RUNTIME = /^libcublas\.so\.1[23]$/
const LIBRARIES = ['/usr/lib', '/usr/lib64', '/usr/lib/x86_64-linux-gnu']
const LOCAL = '/usr/local'
/** Folders above this file that are looked through; more is not the layout of a checkout or a package. */
const LEVELS_MAX = 8

/** The folder that holds our node_modules, from the sources and from a bundle; null when there is none. */
export function projectRoot(from: string = import.meta.dirname): string | null {
  let folder = from
  for (let level = 0; level < LEVELS_MAX; level += 1) {
    if (existsSync(join(folder, 'node_modules', 'node-llama-cpp'))) return folder
    folder = dirname(folder)
  }
  return null
}

export const cudaFolder = (root: string): string => join(root, '.stoker', `cuda-${CUDA_VERSION}`)

/** Are all packages there, in the version that node-llama-cpp asks for? */
export function cudaInstalled(folder: string, packages: readonly { name: string }[] = CUDA_PACKAGES): boolean {
  return packages.every(({ name }) => {
    try {
      return (
        (JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as { version?: string })
          .version === CUDA_VERSION
      )
    } catch {
      return false
    }
  })
}

export interface Surroundings {
  platform: NodeJS.Platform
  arch: string
  env: Readonly<Record<string, string | undefined>>
  exists: (path: string) => boolean
  /** Names in a folder; none where it cannot be read. */
  names: (folder: string) => string[]
}

const HERE: Surroundings = {
  platform: process.platform,
  arch: process.arch,
  env: process.env,
  exists: existsSync,
  names(folder) {
    try {
      return readdirSync(folder)
    } catch {
      return []
    }
  },
}

/**
 * True where an NVIDIA driver is loaded and CUDA's libraries are installed, on the platform that has fetched builds:
 * there the engine would use them.
 */
export function cudaUsable({ platform, arch, env, exists, names }: Surroundings = HERE): boolean {
  if (platform !== 'linux' || arch !== 'x64' || !DRIVER.some((path) => exists(path))) return false
  const toolkits = [
    env['CUDA_PATH'],
    ...names(LOCAL)
      .filter((name) => /^cuda(-[\d.]+)?$/.test(name))
      .map((name) => join(LOCAL, name)),
  ]
  const installed = toolkits
    .filter((folder) => folder !== undefined && folder !== '')
    .map((folder) => join(folder!, 'targets', 'x86_64-linux', 'lib'))
  const given = (env['LD_LIBRARY_PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'))
  return [...given, ...LIBRARIES, ...installed].some((folder) => names(folder).some((name) => RUNTIME.test(name)))
}
