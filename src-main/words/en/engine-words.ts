/** English: the engine, its process and its measurements. */
import type { engineFailures } from '#contract/reasons/engine-failures.ts'

export const engineWords: Record<keyof typeof engineFailures, string> = {
  'engine.full': '{max} deployments have an engine already. Remove one, then try again.',
  'engine.noGpu':
    'The engine sees no GPU here, so that its processes cannot have one each. Set the GPU layers to 0, or look at the driver.',
  'engine.stoppedWhileLoading': 'The engine was stopped before the model was in memory. Load it again.',
  'engine.notLoaded': 'No model is loaded. Load one first.',
  'engine.loadFailed': 'The engine could not load this model. Try again.',
  'engine.silent': 'The engine did not answer within {seconds} s. Stop and start it, then try again.',
  'engine.gone': 'The engine is gone. It restarts by itself; try again.',
  'engine.stepFailed': 'The engine could not evaluate this step (code {code}: {log}). Send the request again.',
  'engine.cannotLoad':
    'The engine could not load this model: {reason}. Check the file by importing it again, or use another model.',
  'engine.cacheNeedsFlash': 'A q8_0 cache needs flash attention. Set flash attention to auto, or the cache to f16.',
  'engine.unloadedWhileRunning': 'The model was unloaded while this job was in it. Load it and send the request again.',
  'engine.stoppedWhileRunning': 'The engine was stopped while this job was in it. Start it and send the request again.',
  'engine.sameJob': 'A job with this id runs already. Give every job its own id.',
  'engine.queueFull': 'All {slots} slots are taken and {waiting} jobs wait. Try again later.',
  'engine.loadFailedUnder': 'The model could not be loaded. Load another one and send the request again.',
  'engine.jobId': "A job's id has 1 to {max} characters. Use a shorter one.",
  'engine.unloadedUnder':
    'The model was unloaded while this job was in the engine. Send it again once a model is loaded.',
  'engine.messageBounds': 'The engine does not take this message: a value in it is out of bounds. Check the settings.',
  'engine.broken': '{reason}',
  'engine.crashed':
    'The engine stopped unexpectedly while this was running. It restarts by itself; send the request again.',
  'engine.cannotStart': 'The engine process could not be started; the log says why. Free some memory, then retry.',
  'engine.crashedOften':
    'The engine stopped unexpectedly {crashes} times in a row. Try a smaller model or other settings, then retry.',
  'engine.noMemory':
    'Not enough memory for {slots} slots of {contextTokens} tokens: about {needed, number, ::.0} GiB are needed and {free, number, ::.0} GiB are free. {smallerSlots, plural, =0 {Close other programs, or use a smaller model} other {Use {smallerSlots} slots of {smallerContext} tokens}}.',
  'engine.memoryTaken':
    'There seemed to be memory for {slots} slots of {contextTokens} tokens (about {needed, number, ::.0} GiB needed, {free, number, ::.0} GiB free), but it could not be had when the model was loaded: something else took it at that moment, or the driver needs more than was estimated. {smallerSlots, plural, =0 {Close other programs, or use a smaller model} other {Load it again, or use {smallerSlots} slots of {smallerContext} tokens}}.',
  'engine.stepTakeUp': 'The engine could not take up this job ({reason}). Send the request again.',
  'engine.stepEvaluate': 'The engine could not evaluate this step ({reason}). Send the request again.',
  'engine.stepGoOn': 'The engine could not go on ({reason}). Send the request again.',
  'engine.stepReadOutput': 'The engine could not read what the model said ({reason}). Send the request again.',
  'engine.gpuUnseen':
    'The GPU that this process was given cannot be seen here. Look at the driver and at variables like CUDA_VISIBLE_DEVICES, or load with all GPUs together.',
  'engine.gpusSeen':
    'This process was given one GPU and sees {seen}. Look at the driver and at variables like CUDA_VISIBLE_DEVICES, or load with all GPUs together.',
  'engine.slotsNoMemory':
    'Not enough memory for {slots} slots of {contextTokens} tokens. Use fewer slots, a shorter context or a smaller model.{says, select, yes { ({reason})} other {}}',
  'engine.contextSmaller': 'the context came out smaller than asked for',
  'engine.warmUpFailed':
    'The model was loaded, but its warm-up failed, so that it is not sold: {reason}. Load it again, with fewer slots or with fewer GPU layers.',
  'engine.warmUpLong':
    'The warm-up took longer than {seconds} s ({done} of {of} steps). Load it again: what the driver has compiled it usually keeps.',
  'engine.warmUpEnded': 'The warm-up was ended because the model was unloaded. Load it again when you want it.',
  'engine.settingsAbort':
    'The file is sound, and the engine ends when it is asked for these settings: they may need one piece of memory that is larger than this device gives. Take fewer slots, a shorter context or fewer GPU layers.',
  'engine.gpuNone':
    'Layers are to lie on a GPU, and the engine sees none here{named, select, yes { with {variables}} other {}}. Set the GPU layers to 0, or look at the driver{named, select, yes { and whether that names a device} other {}}.',
  'inspector.full': '{max} files are being read already. Wait for them, then try again.',
  'inspector.stopping': 'Stoker is stopping. Start it again to read this file.',
  'inspector.handedBack': 'The machine was given back while this file was read. Read it again when you want it.',
  'embed.textCount': 'Give 1 to {max} texts at once.',
  'embed.tooMany': 'At most {max} texts can be embedded at once. Send fewer.',
  'embed.tooLong': 'This text needs more than {max} tokens. Split it.',
  'embed.empty': 'A text to embed is empty. Leave it out.',
  'embed.queueFull': '{max} lists of texts wait to be embedded. Try again later.',
  'embed.nobodyWaits': 'Nobody waits for these embeddings any more.',
  'embed.invalid': 'These texts cannot be embedded: {reason}. Send 1 to {max} texts that are not empty.',
  'embed.noPooling':
    'This model makes no embeddings: its file names no pooling. Load an embedding model (for instance a BERT or a model whose name ends in -embed).',
  'embed.noMemory': 'Not enough memory for embeddings beside the loaded model. Unload other models or use fewer slots.',
  'embed.textTooLong': 'This text has {tokens} tokens and {max} fit. Split it.',
  'embed.failed': 'The engine could not embed this text (code {code}). Try a shorter one.',
  'embed.textTooLongHere': 'This text has {tokens} tokens, more than the model embeds at once. Split it.',
  'embed.noneHere': 'This model makes no embeddings here ({reason}). Load an embedding model.',
  'measure.stopped': 'The measurement was stopped.',
  'measure.tooLong': 'The measurement took too long.',
  'measure.stoppedEarly': 'The measurement was stopped before its end. Nothing was kept.',
  'memory.notEnough':
    'Not enough memory: {slots} × {contextTokens} tokens of this model need about {needed, number, ::.0} GiB{each, select, yes { on the GPU with the least room} other {}} and {limit, select, machine {this machine has {free, number, ::.0} GiB} other {{free, number, ::.0} GiB is free}}.{others, plural, =0 {} other { In memory and in use: {names}.}} {smallerSlots, plural, =0 {Use a smaller model or quantisation.} other {With {smallerSlots} × {smallerContext} tokens it should fit.}}',
  'hardware.late': 'no answer within {seconds} s',
}
