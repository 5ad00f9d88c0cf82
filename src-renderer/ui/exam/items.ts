/** Exam items counted for the screens. Pure. */
import type { ExamItemView } from '#contract/exams.ts'

import { anytimeInterval } from '../interval.ts'

export const familyOf = (itemId: string): string => itemId.split('/')[0] ?? itemId

export interface FamilyRow {
  family: string
  right: number
  asked: number
  low: number
  high: number
}

/** By family in order of first appearance; load calls are no questions and are left out. */
export function byFamily(items: readonly ExamItemView[]): FamilyRow[] {
  const rows = new Map<string, { right: number; asked: number }>()
  for (const item of items) {
    if (item.phase !== 'items' || item.right === null) continue
    const row = rows.get(familyOf(item.itemId)) ?? { right: 0, asked: 0 }
    rows.set(familyOf(item.itemId), { right: row.right + (item.right ? 1 : 0), asked: row.asked + 1 })
  }
  return [...rows].map(([family, { right, asked }]) => ({ family, right, asked, ...anytimeInterval(right, asked) }))
}

export interface ItemCounts {
  right: number
  wrong: number
  running: number
  loadCalls: number
}

export function countItems(items: readonly ExamItemView[]): ItemCounts {
  const questions = items.filter((item) => item.phase === 'items')
  return {
    right: questions.filter((item) => item.right === true).length,
    wrong: questions.filter((item) => item.right === false).length,
    running: questions.filter((item) => item.right === null).length,
    loadCalls: items.length - questions.length,
  }
}
