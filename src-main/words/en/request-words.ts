/** English: what a request asks of an engine. */
import type { requestFailures } from '#contract/reasons/request-failures.ts'

export const requestWords: Record<keyof typeof requestFailures, string> = {
  'request.empty': 'The request has no messages and no prompt. Send at least one message.',
  'request.both': 'The request has messages and a prompt. Send one of them.',
  'request.toolsNeedMessages': 'Tools need chat messages; a plain prompt has no place for them. Send messages instead.',
  'request.noTools': 'The request asks for a tool call and offers no tools. Send tools, or leave the tool choice out.',
  'request.outputTooLong':
    'This request asks for {asked} tokens of answer and a slot has {contextTokens} for prompt and answer. Lower max_tokens.',
  'request.contextTooLong':
    'This request needs {bound, select, more {more than {needed}} other {at least {needed}}} tokens of context and a slot has {contextTokens}. Shorten the messages, or lower max_tokens.',
  'request.invalid': "The request's {field} is not valid: {problem}.",
  'request.toolAndJson':
    'The request forces a tool call ({choice, select, one {one tool} other {required}}) and a JSON answer at once. Ask for one of them.',
  'sampling.noToken':
    'No token was possible: the logit bias forbids all that the grammar or the model leaves. Forbid fewer tokens, or leave the grammar out.',
  'sampling.biasToken':
    "logit_bias names token {token}, and this model has tokens 0 to {last}. Use this model's own token ids.",
  'sampling.notFinite': "The sampling's {name} is {value}. Use a finite number, or leave it out.",
  'sampling.invalid': "The request's {field} is not valid: {problem}.",
  'sampling.noLogprobs': 'The fallback engine, which serves here, cannot report log-probabilities. Leave it out.',
  'template.cannotRender':
    "The model's chat template cannot render these messages: {reason}. Change their roles or order, or use another model.",
  'template.none':
    'This model has no chat template. Use a model made for chat, or send plain text as a prompt (completions).',
  'template.emptyPrompt':
    "The model's chat template makes an empty prompt of these messages. Add a message with content.",
  'template.slow': 'it takes too long even for one short message',
  'template.ended': 'it takes too long or too much memory and was ended',
  'template.givenUp': 'it had to be ended several times and is not run again',
  'template.full': 'too many prompts wait for it',
  'template.stopped': 'the model was unloaded meanwhile',
  'template.leavesOut': 'it leaves a message out',
  'template.doesNotCompile': 'it does not compile ({reason})',
  'tools.sameName': 'Two tools have the name {name}. Give every tool its own name.',
  'tools.tooLarge':
    'The tools are larger than {kib} KiB or nested deeper than {levels} levels. Offer fewer or simpler ones.',
  'tools.choiceUnknown': 'The tool choice names {name}, which is not among the tools. Name one of them.',
}
