/** Whose turn it is among jobs that wait in front of the pool: own use, jobs near their deadline, jobs, exams; the same rule as inside a host process. */
import type { EnginePriority } from '#core/engine/engine.port.ts'

/** A deadline is near when so much of the time for it has passed. */
const NEAR_SHARE = 0.5

export interface Ordered {
  priority: EnginePriority
  /** Monotonic milliseconds. */
  acceptedAt: number
  /** Monotonic milliseconds; null for none. */
  deadlineAt: number | null
  /** Running number of its submission. */
  serial: number
}

function rank({ priority, acceptedAt, deadlineAt }: Ordered, now: number): number {
  if (priority === 'own') return 0
  if (priority === 'exam') return 3
  return deadlineAt !== null && now - acceptedAt >= (deadlineAt - acceptedAt) * NEAR_SHARE ? 1 : 2
}

/** Below 0 when `a` goes first. Among jobs near their deadline the earlier deadline, otherwise the earlier job. `now` in monotonic milliseconds. */
export function inOrder(a: Ordered, b: Ordered, now: number): number {
  const [rankOfA, rankOfB] = [rank(a, now), rank(b, now)]
  if (rankOfA !== rankOfB) return rankOfA - rankOfB
  if (rankOfA === 1 && a.deadlineAt !== b.deadlineAt) return (a.deadlineAt ?? 0) - (b.deadlineAt ?? 0)
  return a.serial - b.serial
}
