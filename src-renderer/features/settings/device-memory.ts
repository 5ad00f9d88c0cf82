/** A GPU's memory as its bar shows it: who holds how much, and what is free. Pure. */
import type { HardwareDevice } from '#contract/app.ts'

export interface MemoryParts {
  total: number
  used: number
  free: number
  ours: number
  others: number
  /** Used, and nobody says by whom. */
  unnamed: number
}

const sumOf = (users: NonNullable<HardwareDevice['users']>, ours: boolean): number =>
  users.filter((user) => user.ours === ours).reduce((sum, { bytes }) => sum + (bytes ?? 0), 0)

/** The driver's figures, which are of now, else the engine's; null where neither says any. The parts never exceed the whole. */
export function memoryParts({ driver, engine, users }: HardwareDevice): MemoryParts | null {
  const memory = driver?.memory ?? engine?.memory ?? null
  if (memory === null) return null
  const { totalBytes: total, freeBytes: free } = memory
  const used = total - free
  const ours = Math.min(used, sumOf(users ?? [], true))
  const others = Math.min(used - ours, sumOf(users ?? [], false))
  return { total, used, free, ours, others, unnamed: used - ours - others }
}
