/**
 * What a server is and which models it offers, as it says itself: `/v1/models`, `/props` (llama-server) and `/version`
 * (vLLM, SGLang, Ollama).
 */
import { z } from 'zod'

import { fail, StokerError } from '#contract/errors.ts'

import { hostOf } from './server-address.ts'
import { json, type ServerConnection } from './server-call.ts'

/** Fields beyond OpenAI's that a server knows: those of llama-server, those of vLLM and SGLang, or none. */
export type Dialect = 'llama' | 'vllm' | 'plain'

export interface ServerModel {
  id: string
  contextTokens: number | null
}

export interface ServerFacts {
  dialect: Dialect
  /** `llama-server b6789`, `vLLM 0.11.0`, … for the transcript. */
  engine: string
  models: ServerModel[]
  /** Requests that it runs at once; null where it does not say. */
  slots: number | null
  /** Context of one request; null where it does not say. */
  contextTokens: number | null
  /** It answers `GET /health`. */
  hasHealth: boolean
}

const ASK_MS = 5_000
const LIST_BYTES = 4_194_304
const FACTS_BYTES = 1_048_576
const MODELS_MAX = 1_000

const tokens = z.number().int().min(1).max(100_000_000)
const optionalTokens = tokens.nullish().catch(null)
const listed = z.object({
  id: z.string().min(1).max(512),
  owned_by: z.string().max(128).nullish().catch(null),
  max_model_len: optionalTokens,
  context_length: optionalTokens,
  meta: z.object({ n_ctx: optionalTokens }).nullish().catch(null),
})
type Listed = z.infer<typeof listed>
const list = z.object({ data: z.array(listed).max(MODELS_MAX) })
const props = z.object({
  total_slots: z.number().int().min(1).max(4_096),
  build_info: z.string().max(128).nullish().catch(null),
  default_generation_settings: z.object({ n_ctx: optionalTokens }).nullish().catch(null),
})
const version = z.object({ version: z.string().min(1).max(64) })

const contextOf = ({ max_model_len, context_length, meta }: Listed): number | null =>
  max_model_len ?? context_length ?? meta?.n_ctx ?? null

async function listOf(connection: ServerConnection): Promise<Listed[]> {
  const answer = list.safeParse(await json(connection, '/v1/models', { timeoutMs: ASK_MS, maxBytes: LIST_BYTES }))
  if (answer.success) return answer.data.data
  throw fail(
    'remote.modelsShape',
    { host: hostOf(connection.url) },
    {
      data: { endpoint: true },
    },
  )
}

/** Errors: ENGINE_UNREACHABLE, ENGINE_REFUSED, ENGINE_BUSY (it is still loading), ENGINE_CRASHED. */
export const offeredModels = async (connection: ServerConnection): Promise<ServerModel[]> =>
  (await listOf(connection)).map((entry) => ({ id: entry.id, contextTokens: contextOf(entry) }))

/** The response of a path if it has this shape; null otherwise. */
async function optional<T>(connection: ServerConnection, path: string, shape: z.ZodType<T>): Promise<T | null> {
  try {
    return shape.parse(await json(connection, path, { timeoutMs: ASK_MS, maxBytes: FACTS_BYTES }))
  } catch {
    return null
  }
}

const versionAt = async (connection: ServerConnection, path: string): Promise<string> => {
  const answer = await optional(connection, path, version)
  return answer === null ? '' : ` ${answer.version}`
}

async function named(
  connection: ServerConnection,
  ownedBy: string,
): Promise<{ dialect: Dialect; engine: string } | null> {
  if (ownedBy === 'vllm') return { dialect: 'vllm', engine: `vLLM${await versionAt(connection, '/version')}` }
  if (ownedBy === 'sglang')
    return { dialect: 'vllm', engine: `SGLang${await versionAt(connection, '/get_server_info')}` }
  if (ownedBy === 'library') return { dialect: 'plain', engine: `Ollama${await versionAt(connection, '/api/version')}` }
  if (ownedBy === 'stoker') return { dialect: 'llama', engine: 'Stoker' }
  return null
}

const answersHealth = (connection: ServerConnection): Promise<boolean> => isHealthy(connection).catch(() => false)

/** True when `/health` answers, with JSON or not. Errors as `json`. */
export async function isHealthy(connection: ServerConnection): Promise<boolean> {
  try {
    await json(connection, '/health', { timeoutMs: ASK_MS, maxBytes: FACTS_BYTES })
    return true
  } catch (error) {
    // vLLM and SGLang answer 200 with an empty body.
    if (error instanceof StokerError && error.code === 'ENGINE_REFUSED' && error.data['status'] === undefined)
      return true
    throw error
  }
}

/** What a server says about itself and about `model`. Errors as offeredModels. */
export async function describeServer(connection: ServerConnection, model: string): Promise<ServerFacts> {
  const entries = await listOf(connection)
  const entry = entries.find(({ id }) => sameModel(id, model))
  const models = entries.map((each) => ({ id: each.id, contextTokens: contextOf(each) }))
  const hasHealth = await answersHealth(connection)
  const known = await named(connection, (entry ?? entries[0])?.owned_by ?? '')
  const own = entry === undefined ? null : contextOf(entry)
  if (known !== null) return { ...known, models, slots: null, contextTokens: own, hasHealth }
  const found = await optional(connection, '/props', props)
  if (found === null)
    return { dialect: 'plain', engine: 'OpenAI-compatible', models, slots: null, contextTokens: own, hasHealth }
  const { total_slots, build_info, default_generation_settings } = found
  return {
    dialect: 'llama',
    engine: `llama-server${build_info ? ` ${build_info}` : ''}`,
    models,
    slots: total_slots,
    contextTokens: default_generation_settings?.n_ctx ?? own,
    hasHealth,
  }
}

/** Ollama lists `name:latest` where people write `name`. */
export const sameModel = (offered: string, wanted: string): boolean =>
  offered === wanted || offered === `${wanted}:latest`
