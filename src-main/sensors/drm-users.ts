/**
 * Which process holds how much memory of which card, as the drivers of Linux say it: `drm-…` lines in the fdinfo of every
 * open file of a card (linux/Documentation/gpu/drm-usage-stats). Only the processes of this user can be read.
 */
import { readlinkSync } from 'node:fs'
import { join } from 'node:path'

import type { DeviceUser } from '#core/hardware/sensors.port.ts'

import { readNames, readText } from './bounded-file.ts'
import { USERS_MAX } from './plausible.ts'
import type { ProcessNames } from './process-names.ts'

const PROCESSES_MAX = 8_192
const FILES_MAX = 1_024
const UNITS: Readonly<Record<string, number>> = { '': 1, KiB: 1_024, MiB: 1_048_576 }
/** Memory of the card, by the drivers' own names for it; else it is main memory. */
const OWN = /^(vram|local)\d*$/
const SHARED = /^(gtt|system)\d*$/

export type UsersByCard = Map<string, DeviceUser[]>

interface Held {
  card: string
  client: string
  bytes: number
  sharedBytes: number
}

/** One open file of a card; null for any other file. Resident memory where the driver says it, else what it counts in all. */
export function parseFdinfo(text: string): Held | null {
  const fields = new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const [, name, value] = /^(drm-[\w-]+):\s*(.+)$/.exec(line) ?? []
      return name === undefined || value === undefined ? [] : [[name, value.trim()]]
    }),
  )
  const card = fields.get('drm-pdev')?.toLowerCase()
  if (card === undefined) return null
  const sum = (region: RegExp): number => {
    const regions = new Map<string, number>()
    // The last of these that a driver writes is the one to believe.
    for (const kind of ['total', 'memory', 'resident'])
      for (const [name, value] of fields) {
        const at = name.startsWith(`drm-${kind}-`) ? name.slice(`drm-${kind}-`.length) : ''
        const [, digits, unit = ''] = /^(\d{1,15})(?: (KiB|MiB))?$/.exec(value) ?? []
        if (region.test(at) && digits !== undefined) regions.set(at, Number(digits) * (UNITS[unit] ?? 1))
      }
    return [...regions.values()].reduce((all, one) => all + one, 0)
  }
  return { card, client: fields.get('drm-client-id') ?? '', bytes: sum(OWN), sharedBytes: sum(SHARED) }
}

function heldBy(proc: string, pid: string): Held[] {
  const folder = join(proc, pid)
  const held = new Map<string, Held>()
  for (const file of readNames(join(folder, 'fd'), FILES_MAX)) {
    if (!isCard(join(folder, 'fd', file))) continue
    const one = parseFdinfo(readText(join(folder, 'fdinfo', file)) ?? '')
    // A file that was duplicated is one client.
    if (one !== null) held.set(`${one.card} ${one.client}`, one)
  }
  return [...held.values()]
}

function isCard(link: string): boolean {
  try {
    return readlinkSync(link).startsWith('/dev/dri/')
  } catch {
    return false
  }
}

export function usersOfCards(proc: string, names: ProcessNames): UsersByCard {
  const found: UsersByCard = new Map()
  for (const pid of readNames(proc, PROCESSES_MAX).filter((name) => /^\d+$/.test(name))) {
    const byCard = new Map<string, { bytes: number; sharedBytes: number }>()
    for (const { card, bytes, sharedBytes } of heldBy(proc, pid)) {
      const sum = byCard.get(card) ?? { bytes: 0, sharedBytes: 0 }
      byCard.set(card, { bytes: sum.bytes + bytes, sharedBytes: sum.sharedBytes + sharedBytes })
    }
    for (const [card, sums] of byCard) {
      const users = found.get(card) ?? []
      if (users.length < USERS_MAX) found.set(card, [...users, { pid: Number(pid), ...names.of(Number(pid)), ...sums }])
    }
  }
  return found
}
