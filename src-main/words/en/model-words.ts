/** English: model files. */
import type { modelFailures } from '#contract/reasons/model-failures.ts'

export const modelWords: Record<keyof typeof modelFailures, string> = {
  'model.bundled': 'This model comes with Stoker and stays in the list; unload it if it takes memory.',
  'model.importsFull': '{max} files are being imported; wait for one to end.',
  'model.unknown': 'This model is not in the list; import it first.',
  'model.fileGone': '{path} is gone; put it back, or import it from where it is now.',
  'model.fileReplaced': '{path} is not the file that was imported any more; import it again as the model it is now.',
  'model.fileTouched':
    '{path} was touched while it was in memory, so nothing is served from it. It is loaded again as soon as it is the file that was imported.',
  'model.stoppedMeanwhile': '{reason}',
  'model.wholePath': 'Give the whole path of the file, from the root or drive on.',
  'model.fileUnreadable': '{path} cannot be read; check that it exists and that you may read it',
  'model.fileEmpty': '{path} is empty; download it again',
  'model.importStopped': 'The import was stopped.',
  'model.changedWhileRead': '{path} changed while it was read; wait until its download has ended, then import it again',
  'model.inUse': '{reason}',
  'gguf.notOne':
    '{path} holds no GGUF model: its first bytes are not "GGUF", whatever its name. A web page that was saved in place of the file, or weights in another format, look like this; choose the GGUF download of the model.',
  'gguf.version':
    '{path} is a GGUF file of version {version}; versions 2 and 3 can be read. Download a newer conversion of this model.',
  'gguf.unreadable': '{path} cannot be read: {reason}. Check the path and its permissions.',
  'gguf.empty': '{path} is empty (0 bytes). Download it again.',
  'gguf.none': '{path} is shorter than the beginning of a GGUF model. Download it again.',
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
  'gguf.bigEndian':
    '{path} is a big-endian GGUF file, made for another kind of processor. Download a little-endian conversion of this model.',
  'gguf.projector':
    '{path} cannot be served: it is the image part (projector) of a model; choose the model file itself.',
  'gguf.noTensors': '{path} cannot be served: it has a header and no weights; choose the model file itself.',
  'gguf.noTokenizer': '{path} cannot be served: it has no tokenizer; download another conversion of this model.',
  'gguf.aborts':
    '{path} makes the engine abort while it is read: it is damaged, or made to do harm. Do not use this file; download the model again from a source you trust.',
  'gguf.splitPart': '{path} is part {no} of {parts}; choose the first, {first}.',
  'gguf.splitMissing':
    'Part {no} of {parts} cannot be read: {path}. Put it beside the others, then import the first part again.',
  'gguf.splitForeign': '{path} is not part {no} of {parts} of this model. Download it again.',
  'gguf.splitName':
    '{path} is the first of {parts} parts, and the engine finds the others by their names only: give them back the names they were published with (ending as in {name}).',
  'gguf.splitTensors':
    'The {parts} parts of {path} have {have} tensors together and {need} belong to the model. Download them again.',
  'gguf.splitMerged':
    '{path} is several of the {parts} parts of a model, put one after another (by cat or copy /b), which no engine reads: a split model is not cut from one file. Import the first part as it was published, with the others beside it, or join them with llama-gguf-split --merge FIRST-PART WHOLE.',
  'gguf.splitTooMany': '{path} says that it is one of {parts} parts; at most {max} are read.',
  'gguf.tooBig':
    '{path} needs about {needed, number, ::.0} GiB and this machine has {total, number, ::.0} GiB. Use a smaller quantisation, a smaller model, or less context.',
  'gguf.claimCount': 'a count of {value}',
  'gguf.claimTooMany':
    '{value} {what, select, list {values in a list} tensors {tensors} keys {metadata keys} dimensions {dimensions} other {elements}}',
  'gguf.claimList': 'a list of type {type}',
  'gguf.claimValue': 'a value of type {type}',
  'gguf.claimTensor': 'a tensor of type {type}',
}
