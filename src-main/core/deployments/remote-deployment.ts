/**
 * Deployments on servers that speak the OpenAI API: their addresses, what they are known by, and what they are called.
 * Pure.
 */
import { fail } from '#contract/errors.ts'
import { brandId, type ModelSha256 } from '#contract/ids.ts'
import type { RemoteEndpoint } from '#core/engine/engines.port.ts'
import { canonicalJson, sha256Hex } from '#lib/canonical.ts'

import type { DeploymentSettings } from './deployments.ts'

/** All servers of one deployment together; what the settings of any deployment allow. */
const SLOTS_MAX = 64
/** Bounds of a transcript's identity. */
const ENDPOINT_CHARS_MAX = 300
const MODEL_CHARS_MAX = 200

export interface RemoteServer {
  url: string
  slots: number
}
/** As it is stored: no keys. */
export interface RemoteModel {
  model: string
  servers: RemoteServer[]
}

/** The base address that `/v1/…` is appended to; a pasted `/v1` at its end goes. Error BAD_REQUEST. */
export function baseUrl(typed: string): string {
  const url = URL.parse(typed.trim())
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw fail('remote.giveAddress')
  if (url.username !== '' || url.password !== '') throw fail('remote.keyInAddress')
  if (url.search !== '' || url.hash !== '') throw fail('remote.baseAddress')
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '').replace(/\/v1$/, '')
}

/**
 * What was requested in its stored form, with the keys apart (by address). Error BAD_REQUEST: an address that is none, the same
 * twice, more than 64 slots.
 */
export function toRemote(
  model: string,
  endpoints: readonly RemoteEndpoint[],
): { remote: RemoteModel; keys: Map<string, string> } {
  const servers = endpoints.map(({ url, slots }) => ({ url: baseUrl(url), slots }))
  if (new Set(servers.map(({ url }) => url)).size < servers.length) throw fail('remote.sameServer')
  if (servers.reduce((sum, { slots }) => sum + slots, 0) > SLOTS_MAX) throw fail('remote.slotsMax', { max: SLOTS_MAX })
  const keys = new Map(endpoints.flatMap(({ url, key }) => (key === null ? [] : [[baseUrl(url), key] as const])))
  return { remote: { model: model.trim(), servers }, keys }
}

/** Settings of a remote one: the servers choose the rest themselves. */
export const remoteSettings = ({ servers }: RemoteModel, contextTokens: number): DeploymentSettings => ({
  contextTokens,
  slots: servers.reduce((sum, { slots }) => sum + slots, 0),
  threads: 1,
  gpuLayers: 0,
  processes: 1,
  gpus: 'together',
  kvType: 'f16',
  flashAttention: 'auto',
  batchTokens: 512,
})

/**
 * What stands where a file's SHA-256 stands: of the model's id and the servers' addresses. Another server or id is
 * another model that has to pass its own exam; other slots, context or keys are not. It attests nothing: what a server
 * runs is its owner's word.
 */
export const remoteSha256 = ({ model, servers }: RemoteModel): ModelSha256 =>
  brandId<ModelSha256>(
    sha256Hex(`stoker-remote-v1\n${canonicalJson({ model, servers: servers.map(({ url }) => url).toSorted() })}`),
  )

const hostOf = (url: string): string => URL.parse(url)?.host ?? url

export function remoteName({ model, servers }: RemoteModel): string {
  const [first, second] = servers.map(({ url }) => hostOf(url))
  const others =
    servers.length === 1
      ? first
      : servers.length === 2
        ? `${first} and ${second}`
        : `${first} and ${servers.length - 1} more`
  return `${model} on ${others}`
}

/** For a transcript's identity (docs/exam.md, Evidence): hosts, never keys. */
export const remoteIdentity = ({ model, servers }: RemoteModel): { endpoint: string; reportedModel: string } => ({
  endpoint: servers
    .map(({ url }) => url)
    .join(' ')
    .slice(0, ENDPOINT_CHARS_MAX),
  reportedModel: model.slice(0, MODEL_CHARS_MAX),
})
