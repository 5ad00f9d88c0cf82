/** English: remote servers. */
import type { remoteFailures } from '#contract/reasons/remote-failures.ts'

export const remoteWords: Record<keyof typeof remoteFailures, string> = {
  'remote.keysDamaged':
    '{path} cannot be understood; move it away and connect the remote servers again with their keys.',
  'remote.keysTooLarge':
    'The keys of all remote servers together are more than Stoker keeps; use shorter keys or fewer servers.',
  'remote.serverCount': 'Give 1 to {max} servers.',
  'remote.noEmbeddings': '{host} gives no embeddings with this model ({status}).',
  'remote.embeddingsShape': '{host} sent something that is no list of embeddings. Look at its version.',
  'remote.letGo': 'The endpoint was let go while Stoker asked it what it offers.',
  'remote.address':
    'This is no address of a server. Write it as http://name:port or https://name, without a user, a question mark or a hash; a key goes into its own field.',
  'remote.streamShape':
    '{host} sent something that is not the stream of an OpenAI-compatible server. Look at its version and its log.',
  'remote.gaveUp': '{host} gave this answer up. Look at its log.',
  'remote.keyCharacters': 'This key holds characters that no key has. Copy it again.',
  'remote.notOpenai': '{host} answers, but not as an OpenAI-compatible server does. Check the address.',
  'remote.modelsShape':
    "{host} answers, but its list of models is not an OpenAI-compatible server's. Check the address.",
  'remote.tooMuch': '{host} sent far more than was asked for. Look at its version and its log.',
  'remote.brokeOff': '{host} broke its answer off. Look at its log; send the request again.',
  'remote.brokeOffLook': '{host} broke its answer off. Look whether it still runs; send the request again.',
  'remote.notReady': '{host} is not ready. Stoker keeps asking it; try again later.',
  'remote.noneReachable':
    'None of the servers of this pool can be reached. Stoker keeps asking them; look whether they run, then send the request again.',
  'remote.giveAddress': 'Give the server’s address as http://host:port or https://host.',
  'remote.keyInAddress': 'Give the key in its own field, not inside the address: addresses are shown.',
  'remote.baseAddress': 'Give the server’s base address alone, without anything after ? or #.',
  'remote.sameServer': 'The same server is named twice; give it once, with all its slots.',
  'remote.slotsMax': 'One deployment sells at most {max} slots; give fewer per server, or make two deployments.',
  'remote.modelNotOffered':
    '{host} does not offer {model}. It offers: {count, plural, =0 {nothing} other {{offered}}}.',
  'remote.unreachable': '{host} cannot be reached ({reason}). Look whether the server runs, and at its address.',
  'remote.noAnswerWithin': 'no answer within {seconds} s',
  'remote.tookOver': 'the answer took over {seconds} s',
  'remote.nothingFor': 'nothing came for {seconds} s',
  'remote.connectionFailed': 'connection failed',
  'remote.letGoUnder': 'The endpoint was let go while this job was in it. Load it again and send the request again.',
  'refused.busy': '{host} takes no more requests now ({status}).{says, select, yes { It says: {own}} other {}}',
  'refused.failed':
    '{host} failed on this request ({status}). Look at its own log.{says, select, yes { It says: {own}} other {}}',
  'refused.redirects':
    '{host} sends requests on to another address ({status}), which Stoker does not follow. Enter that address instead.{says, select, yes { It says: {own}} other {}}',
  'refused.key':
    '{host} does not accept the key ({status}). Enter the key that this server was started with.{says, select, yes { It says: {own}} other {}}',
  'refused.model':
    '{host} has no such model, or no OpenAI API at this address ({status}). Check both.{says, select, yes { It says: {own}} other {}}',
  'refused.gaveUp': '{host} gave up waiting for the request ({status}).{says, select, yes { It says: {own}} other {}}',
  'refused.context':
    'The prompt and the answer do not fit the context of {host} ({status}). Shorten the prompt or ask for fewer tokens.{says, select, yes { It says: {own}} other {}}',
  'refused.other': '{host} refused the request ({status}).{says, select, yes { It says: {own}} other {}}',
}
