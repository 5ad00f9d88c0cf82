/**
 * Runs first in each test process: says which mutant is active, notes which ones the test file reaches, and makes
 * random tests repeat themselves.
 */
import { writeFileSync } from 'node:fs'

import { configureGlobal } from 'fast-check'
import { afterAll, inject } from 'vitest'

// As vitest.config.ts has it: tests compare messages, and a message is worded by the catalogue.
import '../../test/support/install-words.ts'
import type { ForTests } from './provided.ts'

configureGlobal({ seed: 1 })

const { active, hits }: ForTests = inject('mutants')
const reached = new Map<string, Set<number>>()

Object.assign(globalThis, {
  __mutantSwitch(file: string) {
    const mine = reached.get(file) ?? new Set<number>()
    reached.set(file, mine)
    if (hits !== null)
      return (n: number): boolean => {
        mine.add(n)
        return false
      }
    const at = active?.file === file ? active.n : -1
    return (n: number): boolean => n === at
  },
})

if (hits !== null) {
  const path = hits
  afterAll(() => writeFileSync(path, JSON.stringify([...reached].map(([file, numbers]) => [file, [...numbers]]))))
}
