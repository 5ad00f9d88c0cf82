/** A deployment's settings as the owner types them; what is left empty is chosen for the machine. Pure. */
import type { Deployment } from '#contract/models.ts'
import { count } from '#ui/format.ts'

type Settings = Deployment['settings']
type ChoiceName = 'gpus' | 'kvType' | 'flashAttention'
type NumberName = Exclude<keyof Settings, ChoiceName>
export type SettingsDraft = Readonly<Record<keyof Settings, string>>
export const EMPTY_DRAFT: SettingsDraft = {
  contextTokens: '',
  slots: '',
  threads: '',
  gpuLayers: '',
  processes: '',
  batchTokens: '',
  gpus: '',
  kvType: '',
  flashAttention: '',
}

/** What an empty field says. */
export const CHOSEN = 'chosen for this machine'

/** Labels and the bounds of the contract, in the order of the form. */
export const NUMBER_FIELDS: readonly {
  readonly name: NumberName
  readonly label: string
  readonly hint: string
  readonly min: number
  readonly max: number
}[] = [
  { name: 'contextTokens', label: 'Context', hint: 'tokens of one job, question and answer', min: 32, max: 1_048_576 },
  { name: 'slots', label: 'Slots', hint: 'jobs at the same time', min: 1, max: 64 },
  { name: 'threads', label: 'Threads', hint: 'over all processes', min: 1, max: 256 },
  { name: 'gpuLayers', label: 'GPU layers', hint: '0: none, 1,000: all', min: 0, max: 1_000 },
  { name: 'processes', label: 'Processes', hint: 'each holds the model', min: 1, max: 8 },
  { name: 'batchTokens', label: 'Prompt batch', hint: 'prompt tokens read at once', min: 32, max: 2_048 },
]

export interface ChoiceField {
  readonly name: ChoiceName
  readonly label: string
  readonly hint: string
  /** Value and what it means to the owner. */
  readonly options: readonly (readonly [string, string])[]
}
const CHOICE_FIELDS: readonly ChoiceField[] = [
  {
    name: 'gpus',
    label: 'GPUs',
    hint: 'with one each: a process and the whole model on every GPU',
    options: [
      ['together', 'layers over all of them'],
      ['each', 'one each'],
    ],
  },
  {
    name: 'kvType',
    label: 'Cache precision',
    hint: 'of what the model keeps of a conversation',
    options: [
      ['f16', 'f16: full'],
      ['q8_0', 'q8_0: half the memory'],
    ],
  },
  {
    name: 'flashAttention',
    label: 'Flash attention',
    hint: 'less memory and often faster',
    options: [
      ['auto', 'auto: where the model can'],
      ['on', 'on'],
      ['off', 'off'],
    ],
  },
]

/** Layers may lie on a GPU, as far as the owner has said. */
const onGpu = ({ gpuLayers }: SettingsDraft): boolean => !/^0+$/.test(gpuLayers.trim())

/** Those that mean something on a machine with so many GPUs. */
export const choiceFields = (draft: SettingsDraft, gpus: number): ChoiceField[] =>
  CHOICE_FIELDS.filter(({ name }) => name !== 'gpus' || (gpus > 1 && onGpu(draft)))

/** What the core is asked for, or what is wrong with which field. */
export function readSettings(draft: SettingsDraft): {
  requested: Partial<Settings>
  problems: Partial<Record<keyof Settings, string>>
} {
  const requested: Partial<Settings> = {}
  const problems: Partial<Record<keyof Settings, string>> = {}
  for (const { name, min, max } of NUMBER_FIELDS) {
    const text = draft[name].trim()
    if (text === '') continue
    const value = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) requested[name] = value
    else problems[name] = `A whole number from ${count(min)} to ${count(max)}, or empty.`
  }
  const { gpus, kvType, flashAttention } = draft
  // Its field is gone when no layer is to lie on a GPU; what stood in it is not requested then.
  if (onGpu(draft) && (gpus === 'together' || gpus === 'each')) requested.gpus = gpus
  if (kvType === 'f16' || kvType === 'q8_0') requested.kvType = kvType
  if (flashAttention === 'auto' || flashAttention === 'on' || flashAttention === 'off')
    requested.flashAttention = flashAttention
  return { requested, problems }
}
