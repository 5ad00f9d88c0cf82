/** The exams of a Fake rig: one passed or running, one that did not reach its grade. */
import type { Exam, ExamItemView, LimitView } from '#contract/exams.ts'
import type { ExamId } from '#contract/ids.ts'

import { VENUE } from '../venue.ts'
import { DEPLOYMENT, EXAM_NANO, HEX, SHA, specs, wobble } from './state.ts'

const limit = (
  name: string,
  n: number,
  k: number,
  floor: number,
  target: number,
  state: LimitView['state'],
  low: number,
  high: number,
): LimitView => ({
  name,
  n,
  k,
  floor,
  target,
  state,
  low,
  high,
  s: state === 'passed' ? 3.1 : state === 'not-reached' ? -5.2 : 0.4,
})
const limitsNano = (running: boolean): LimitView[] => [
  limit('intelligence', 96, 82, 0.7, 0.8, 'passed', 0.741, 0.928),
  limit('time to first token', 97, 97, 0.95, 0.98, 'passed', 0.951, 1),
  limit('throughput single', 97, 96, 0.95, 0.98, 'passed', 0.948, 0.999),
  limit(
    'throughput at slots',
    running ? 32 : 97,
    running ? 31 : 97,
    0.95,
    0.98,
    running ? 'undecided' : 'passed',
    running ? 0.82 : 0.951,
    1,
  ),
  limit(
    'context and output',
    running ? 32 : 97,
    running ? 32 : 97,
    0.95,
    0.98,
    running ? 'undecided' : 'passed',
    running ? 0.888 : 0.951,
    1,
  ),
]
const limitsMicro = (): LimitView[] => [
  limit('intelligence', 64, 36, 0.6, 0.7, 'undecided', 0.41, 0.71),
  limit('family tools', 48, 12, 0.8, 0.9, 'not-reached', 0.11, 0.43),
  limit('time to first token', 97, 97, 0.95, 0.98, 'passed', 0.951, 1),
  limit('throughput single', 80, 80, 0.95, 0.98, 'undecided', 0.92, 1),
]

const FAMILIES = ['arith', 'order', 'recall', 'extract', 'follow', 'logic', 'tools', 'trace'] as const
export function items(count: number, share: number, running: number, level: 1 | 2): ExamItemView[] {
  const asked = Array.from({ length: count }, (_, index): ExamItemView => {
    const right = wobble(index + level * 400) < share
    return {
      itemId: `${FAMILIES[index % 8]}/${level}/${Math.floor(index / 8)}`,
      phase: 'items',
      right,
      reason: right ? 'right' : 'other value',
      ttftMs: 18 + wobble(index) * 30,
      tokPerS: null,
      tokens: 2 + (index % 7),
    }
  })
  const open = Array.from({ length: running }, (_, index): ExamItemView => ({
    itemId: `${FAMILIES[(count + index) % 8]}/${level}/${Math.floor((count + index) / 8)}`,
    phase: 'items',
    right: null,
    reason: '',
    ttftMs: null,
    tokPerS: null,
    tokens: null,
  }))
  return [...asked, ...open]
}

export function exam(id: ExamId, now: number, state: Exam['state']): Exam & { items: ExamItemView[] } {
  const nano = id === EXAM_NANO
  const running = state === 'running'
  const spec = specs[nano ? 0 : 1]!
  return {
    venueId: VENUE,
    examId: id,
    instrument: spec.instrument,
    specVersion: 1,
    spec,
    deploymentId: DEPLOYMENT,
    sha256: SHA,
    modelName: 'Stoker nano Q8_0',
    state,
    evidence: 'witnessed',
    phase: running ? 'slots' : 'slots',
    done: nano ? (running ? 208 : 352) : 192,
    atMost: nano ? 400 : 192,
    limits: nano ? limitsNano(running) : limitsMicro(),
    startedAt: now - (nano ? 90_000 : 3_600_000),
    endedAt: running ? null : now - 22_000,
    validUntil: state === 'passed' ? now + 23 * 86_400_000 : null,
    attempt: 1,
    seed: running ? null : '9f3c77b1e0aa4d21',
    commitment: HEX,
    transcriptSha256: running ? null : HEX.replaceAll('4', 'b'),
    voidReason: null,
    items: items(nano ? 96 : 112, nano ? 0.855 : 0.56, running ? 4 : 0, spec.level),
  }
}
