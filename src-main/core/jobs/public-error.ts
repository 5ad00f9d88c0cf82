/**
 * What is stored and sent of an engine's failure: its code, and a sentence of our own. An engine's message may quote
 * the request (a server's own words, a value in a schema), and a buyer's text may reach neither the disk nor a log, nor
 * the exchange by another way than the answer.
 */
import { ERROR_CODES, type ErrorCode, type ErrorValue } from '#contract/errors.ts'

const SENTENCES: Partial<Record<ErrorCode, string>> = {
  BAD_REQUEST: 'the engine cannot take a request of this form',
  TOO_LARGE: 'the request is too large for the engine',
  TIMEOUT: 'the engine did not answer in time',
  CANCELLED: 'the job was stopped',
  UNAVAILABLE: 'the engine cannot serve at the moment',
  MODEL_UNSUPPORTED: 'the model cannot do what the request asks for',
  ENGINE_CRASHED: 'the engine crashed',
  ENGINE_BROKEN: 'the engine crashed too often and is stopped',
  ENGINE_BUSY: 'the engine takes no more work at the moment',
  ENGINE_NOT_LOADED: 'the model is not loaded',
  ENGINE_LOAD_FAILED: 'the model could not be loaded',
  ENGINE_OUT_OF_MEMORY: 'the engine ran out of memory',
  ENGINE_UNREACHABLE: 'the server behind this deployment cannot be reached',
  ENGINE_REFUSED: 'the server behind this deployment refused the request',
  CONTEXT_TOO_LONG: 'prompt and max_tokens exceed the context of this engine',
  OUTPUT_TOO_LONG: 'max_tokens is above what this engine gives',
  TEMPLATE_FAILED: 'the chat template of the model does not take these messages',
  GRAMMAR_INVALID: 'the JSON schema cannot be enforced by this engine',
  SAMPLING_INVALID: 'the engine does not take these sampling values',
  DEADLINE: 'the deadline passed before the answer was done',
}
const INTERNAL = 'something failed inside Stoker'

/** `data` stays behind too. A code that is none of ours, which a server could make up, becomes INTERNAL. */
export function redact({ code }: Pick<ErrorValue, 'code'>): ErrorValue {
  const known = ERROR_CODES.includes(code) ? code : 'INTERNAL'
  return { code: known, message: SENTENCES[known] ?? INTERNAL, data: {} }
}
