/** Servers to connect, as the owner types them. Keys stay in this draft until they are sent, and go with it. Pure. */
import { count } from '#ui/format.ts'

export interface EndpointDraft {
  readonly url: string
  readonly key: string
  readonly slots: string
}
export interface RemoteDraft {
  readonly endpoints: readonly EndpointDraft[]
  readonly model: string
  readonly contextTokens: string
}
export interface RequestedRemote {
  model: string
  contextTokens: number
  endpoints: { url: string; key: string | null; slots: number }[]
}

/** The contract takes sixteen; a form with more rows than these is no longer one. */
export const ENDPOINTS_MAX = 4
export const EMPTY_ENDPOINT: EndpointDraft = { url: '', key: '', slots: '4' }
export const EMPTY_REMOTE: RemoteDraft = { endpoints: [EMPTY_ENDPOINT], model: '', contextTokens: '' }

const SLOTS = [1, 64] as const
const CONTEXT = [32, 1_048_576] as const

const whole = (text: string, [min, max]: readonly [number, number]): number | null => {
  const value = /^\d{1,7}$/.test(text.trim()) ? Number(text) : Number.NaN
  return value >= min && value <= max ? value : null
}

/** An address as the core takes it; null when it is none. */
export function readUrl(text: string): string | null {
  const url = text.trim()
  return /^https?:\/\/\S+$/.test(url) && URL.canParse(url) ? url : null
}
export const readKey = (text: string): string | null => (text.trim() === '' ? null : text.trim())

export interface EndpointProblems {
  url?: string
  slots?: string
}
/** What is wrong with one server; an address nobody typed yet is no mistake. */
export const endpointProblems = ({ url, slots }: EndpointDraft): EndpointProblems => ({
  ...(url.trim() === '' || readUrl(url) !== null ? {} : { url: 'Begins with http:// or https://' }),
  ...(whole(slots, SLOTS) === null ? { slots: `${SLOTS[0]} to ${SLOTS[1]}` } : {}),
})
export const contextProblem = (text: string): string | null =>
  text.trim() === '' || whole(text, CONTEXT) !== null
    ? null
    : `A whole number from ${CONTEXT[0]} to ${count(CONTEXT[1])}.`

/** What the core is asked for; null while something is missing or wrong. */
export function readRemote({ endpoints, model, contextTokens }: RemoteDraft): RequestedRemote | null {
  const context = whole(contextTokens, CONTEXT)
  const read = endpoints.flatMap(({ url, key, slots }) => {
    const [address, many] = [readUrl(url), whole(slots, SLOTS)]
    return address === null || many === null ? [] : [{ url: address, key: readKey(key), slots: many }]
  })
  return context === null || model === '' || read.length !== endpoints.length
    ? null
    : { model, contextTokens: context, endpoints: read }
}
