/** English: why Stoker itself stopped selling, and what its self-check found. */
import type { breakerReasons } from '#contract/reasons/breaker-reasons.ts'

export const breakerWords: Record<keyof typeof breakerReasons, string> = {
  'breaker.ownFaults':
    'the last jobs of {model} failed by this machine’s own fault ({faults, number} in a row, {code}); it is tried with a short answer before it is offered again',
  'breaker.silentEngine':
    'the engine of {model} has said nothing for {seconds, number} s; it is tried with a short answer before it is offered again',
  'breaker.memorySpill':
    'the GPU has no room any more for all of {model}: {mib, number} MiB of it went over into main memory while it served, where it is many times slower; it is offered again once that part is back',
  'breaker.brokenEngine':
    'the engine of {model} does not stay up: {found}; it is started again and tried with a short answer, at longer and longer intervals',
  'breaker.fileChanged':
    'the model’s file changed while it was in use: {path}; it is read again, and offered again only if it is the file that passed the exam',
  'breaker.fileMissing': 'the model’s file is gone: {path}; it is offered again when the file is back',
  'breaker.booksNotWritable':
    'nothing could be booked, so no job could be paid: {trouble}; it is offered again when a write comes through',
  'breaker.folderGone':
    'the data folder is gone or another one now: {path}; stop Stoker before anything is put back, what is sold now would be lost',
  'breaker.stillSpilled':
    '{mib, number} MiB of it still lie in main memory; close what else uses the GPU, or load it with fewer slots',
  'breaker.notMeasured': 'nobody says now how much of it lies in main memory',
  'breaker.keyGone':
    'the key this rig sells under is not in {path} any more: what is earned without it can be claimed by nobody once Stoker ends. Put the file back (a copy of the folder holds it), or stop Stoker and import an export (stoker key import FILE{atData}); no new one is made',
  'breaker.notLoaded': 'its model is not in memory',
  'breaker.nothingGenerated': 'the engine gave no text',
  'breaker.noAnswer': 'the engine gave no answer within {seconds, number} s',
  'breaker.checkFailed': 'it failed again ({code})',
  'breaker.stillSo': 'It is not offered again yet: {reason}.',
  'breaker.notStopped': 'Stoker has not stopped selling {instrument}; there is nothing to start again.',
}
