/** English: what is said of an engine’s failure to those who may not read its own words. */
import type { servingFailures } from '#contract/reasons/serving-failures.ts'

export const servingWords: Record<keyof typeof servingFailures, string> = {
  'serving.badRequest': 'the engine cannot take a request of this form',
  'serving.tooLarge': 'the request is too large for the engine',
  'serving.timeout': 'the engine did not answer in time',
  'serving.cancelled': 'the job was stopped',
  'serving.unavailable': 'the engine cannot serve at the moment',
  'serving.modelUnsupported': 'the model cannot do what the request asks for',
  'serving.engineCrashed': 'the engine crashed',
  'serving.engineBroken': 'the engine crashed too often and is stopped',
  'serving.engineBusy': 'the engine takes no more work at the moment',
  'serving.engineNotLoaded': 'the model is not loaded',
  'serving.engineLoadFailed': 'the model could not be loaded',
  'serving.engineOutOfMemory': 'the engine ran out of memory',
  'serving.engineUnreachable': 'the server behind this deployment cannot be reached',
  'serving.engineRefused': 'the server behind this deployment refused the request',
  'serving.contextTooLong': 'prompt and max_tokens exceed the context of this engine',
  'serving.outputTooLong': 'max_tokens is above what this engine gives',
  'serving.templateFailed': 'the chat template of the model does not take these messages',
  'serving.grammarInvalid': 'the JSON schema cannot be enforced by this engine',
  'serving.samplingInvalid': 'the engine does not take these sampling values',
  'serving.deadline': 'the deadline passed before the answer was done',
  'serving.internal': 'something failed inside Stoker',
}
