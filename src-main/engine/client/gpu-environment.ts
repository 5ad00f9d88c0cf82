/**
 * The environment of a process that may see one GPU only. Each backend of llama.cpp reads a variable of its own, once,
 * when it is loaded. CUDA: `CUDA_VISIBLE_DEVICES`, by the driver (CUDA C++ Programming Guide, "CUDA Environment
 * Variables"): indices or UUIDs, separated by commas; the process counts what it sees from 0. An entry that names no
 * device ends the list. Vulkan: `GGML_VK_VISIBLE_DEVICES`, by llama.cpp (ggml-vulkan.cpp, ggml_vk_instance_init): indices
 * of Vulkan's own list of physical devices. One beyond its end throws and ends the process; an entry that is no number
 * ends the list. HIP: `HIP_VISIBLE_DEVICES`, or `CUDA_VISIBLE_DEVICES` where that is not set (ROCm documentation, "HIP
 * environment variables"). `ROCR_VISIBLE_DEVICES` works a layer below, and HIP counts the devices that it leaves: with
 * both set to 1 none would be left, so it stays as the owner set it. Metal has no such variable and one GPU.
 */

export type Environment = Readonly<Record<string, string | undefined>>

interface Rule {
  name: string
  /** Variables that may hold the owner's list; the first one that is set counts. */
  lists: readonly string[]
  /** A value that names no device, so that the process sees none. */
  none: string
}

const RULES: readonly Rule[] = [
  { name: 'CUDA_VISIBLE_DEVICES', lists: ['CUDA_VISIBLE_DEVICES'], none: '-1' },
  { name: 'HIP_VISIBLE_DEVICES', lists: ['HIP_VISIBLE_DEVICES', 'CUDA_VISIBLE_DEVICES'], none: '-1' },
  // Read as an unsigned number, -1 would be a very large one and end the process.
  { name: 'GGML_VK_VISIBLE_DEVICES', lists: ['GGML_VK_VISIBLE_DEVICES'], none: 'none' },
]

/** The devices of an owner's list up to the first entry that names none. */
function devicesOf(list: string): string[] {
  const entries = list.trim().split(/\s*,\s*|\s+/)
  const end = entries.findIndex((entry) => !/^\d+$|^[A-Z]+-/i.test(entry))
  return end < 0 ? entries : entries.slice(0, end)
}

/**
 * `environment` with all backends bound to GPU `gpu`, counted from 0 among those that a process with `environment` sees:
 * if the owner set a list, its entry `gpu`. Beyond the end of the list no GPU is visible, and the load fails.
 */
export function boundToGpu(environment: Environment, gpu: number): Record<string, string> {
  const bound = RULES.map(({ name, lists, none }) => {
    const list = lists.map((one) => environment[one]).find((value) => value !== undefined)
    const device = list === undefined ? String(gpu) : (devicesOf(list)[gpu] ?? none)
    return [name, device]
  })
  const set = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return { ...Object.fromEntries(set), ...Object.fromEntries(bound) }
}
