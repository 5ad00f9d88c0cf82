/** What a request's body may be: a JSON object in UTF-8. */
import { invalid, tooLarge } from './openai-error.ts'

/** The body's bytes as an object. Throws ApiFailure 400 for anything else. */
export function jsonObjectOf(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw invalid('the body is not valid JSON in UTF-8', null, 'invalid_json')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('the body must be a JSON object', null, 'invalid_json')
  return value as Record<string, unknown>
}

/** Pieces of a body, joined at its end. */
export interface BoundedBytes {
  /** Throws ApiFailure 413 for the piece that goes beyond the bound; nothing of it is kept. */
  add(piece: Uint8Array): void
  joined(): Uint8Array
}

/**
 * For a body that says it has `declared` bytes (null where it does not say). Throws ApiFailure 413 when that is more
 * than `limit` bytes.
 */
export function boundedBytes(limit: number, declared: string | null): BoundedBytes {
  if (Number(declared ?? 0) > limit) throw tooLarge(limit)
  const pieces: Uint8Array[] = []
  let size = 0
  return {
    add(piece) {
      size += piece.byteLength
      if (size > limit) throw tooLarge(limit)
      pieces.push(piece)
    },
    joined: () => (pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)),
  }
}
