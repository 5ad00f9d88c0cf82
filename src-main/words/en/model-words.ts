/** English: model files. */
import type { modelFailures } from '#contract/reasons/model-failures.ts'

export const modelWords: Record<keyof typeof modelFailures, string> = {
  'model.bundled': 'This model comes with Stoker and stays in the list; unload it if it takes memory.',
  'model.importsFull': '{max} files are being imported; wait for one to end.',
  'model.unknown': 'This model is not in the list; import it first.',
  'model.fileGone': '{path} is gone; put it back, or import it from where it is now.',
  'model.fileReplaced': '{path} is not the file that was imported any more; import it again as the model it is now.',
  'model.wholePath': 'Give the whole path of the file, from the root or drive on.',
  'model.fileUnreadable': '{path} cannot be read; check that it exists and that you may read it',
  'model.fileEmpty': '{path} is empty; download it again',
  'model.importStopped': 'The import was stopped.',
  'model.changedWhileRead': '{path} changed while it was read; wait until its download has ended, then import it again',
  'model.inUse': '{reason}',
  'gguf.notOne':
    '{path} is not a GGUF file. Choose a file whose name ends in .gguf, as model pages offer for llama.cpp.',
  'gguf.version':
    '{path} is a GGUF file of version {version}; versions 2 and 3 can be read. Download a newer conversion of this model.',
  'gguf.unreadable': '{path} cannot be read: {reason}. Check the path and its permissions.',
  'gguf.empty': '{path} is empty (0 bytes). Download it again.',
  'gguf.none': '{path} is not a GGUF file.',
  'gguf.damaged': '{path} has a damaged GGUF header (it claims {claim}). Download it again.',
  'gguf.headerUnusable':
    '{path} has a header the engine cannot use ({reason}). Download another conversion of this model.',
  'gguf.architecture':
    '{path} has the architecture {architecture}, which this engine does not know. Use another model.',
  'gguf.truncated': '{path} is incomplete: it has {have} bytes and needs {need}. Download it again.',
  'gguf.truncatedHeader': '{path} is incomplete: it has {have} bytes and ends inside its header. Download it again.',
  'gguf.noArchitecture': '{path} cannot be served: its header names no architecture; download another conversion.',
  'gguf.adapter': '{path} cannot be served: it is an adapter, not a model; choose the model file itself.',
  'gguf.part': '{path} cannot be served: it is a part of type {kind}, not a model; choose the model file itself.',
  'gguf.split': '{path} cannot be served: it is one of {parts} parts; join them with llama-gguf-split --merge first.',
  'gguf.tooBig':
    '{path} needs about {needed, number, ::.0} GiB and this machine has {total, number, ::.0} GiB. Use a smaller quantisation, a smaller model, or less context.',
  'gguf.claimCount': 'a count of {value}',
  'gguf.claimTooMany':
    '{value} {what, select, list {values in a list} tensors {tensors} keys {metadata keys} dimensions {dimensions} other {elements}}',
  'gguf.claimList': 'a list of type {type}',
  'gguf.claimValue': 'a value of type {type}',
}
