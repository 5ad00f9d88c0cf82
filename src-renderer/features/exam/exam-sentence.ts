/** The exam page's one true sentence. Pure. */
import type { Exam } from '#contract/exams.ts'
import type { GradeSpec } from '#contract/grades.ts'
import { gradeName } from '#ui/format.ts'
import { limitTitle } from '#ui/limit-figures.ts'

const WORDS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'] as const
const word = (n: number): string => WORDS[n] ?? n.toString()

const titles = (exam: Exam, state: string): string[] =>
  exam.limits.filter((limit) => limit.state === state).map((limit) => limitTitle(limit.name).toLowerCase())

export function examSentence(spec: GradeSpec, exam: Exam | null): string {
  const name = gradeName(spec.instrument)
  if (exam === null) return `${name}: this rig has not taken the exam yet.`
  const total = exam.limits.length
  const open = titles(exam, 'undecided')
  const missed = titles(exam, 'not-reached')
  switch (exam.state) {
    case 'running': {
      if (open.length === total || total === 0) return `${name}: the exam is running, nothing is decided yet.`
      const rest =
        open.length === 0
          ? 'the last calls are being measured'
          : open.length === 1
            ? `${open[0]} needs more items`
            : `${open.slice(0, 2).join(' and ')} need more items`
      return `${name}: ${word(total - open.length)} of ${word(total)} limits decided, ${rest}.`
    }
    case 'passed':
      return `${name}: passed, all ${word(total)} limits met.`
    case 'not-reached':
      return `${name}: not reached, ${missed.length === 0 ? 'a limit was missed' : `${missed.slice(0, 2).join(' and ')} ${missed.length === 1 ? 'was' : 'were'} below the bar`}.`
    case 'undecided':
      return `${name}: undecided, ${open.slice(0, 2).join(' and ') || 'a limit'} stayed too close to the floor to call.`
    case 'interrupted':
      return `${name}: the exam was interrupted after ${exam.done} calls; resuming repeats none of them.`
    default:
      return `${name}: the exam was stopped after ${exam.done} calls.`
  }
}
