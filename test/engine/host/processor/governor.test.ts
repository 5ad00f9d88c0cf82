import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { cpuList, quotaCores, type ReadText } from '#engine/host/processor/busy-cores.ts'
import { createCpuReader, parseStat } from '#engine/host/processor/busy-counters.ts'
import { createBusyWatch } from '#engine/host/processor/busy-watch.ts'
import { createGovernor } from '#engine/host/processor/governor.ts'

import { miniMs, SimulatedMachine } from './governor-machine.ts'

const share = (threads: readonly number[], count: number): number =>
  threads.filter((used) => used === count).length / threads.length

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
/** One run of a machine that throws dice proves little. */
const SEEDS = [1, 2, 3, 4, 5]

describe('the thread governor on a simulated machine', () => {
  it('uses every core of a quiet machine, and spends less than a step in a hundred on looking for better', () => {
    const machine = new SimulatedMachine()
    machine.run(5_000)
    const { threads, rate } = machine.run(30_000)
    expect(share(threads, 2)).toBeGreaterThan(0.99)
    expect(rate).toBeGreaterThan(new SimulatedMachine().run(30_000, { fixed: 2 }).rate * 0.99)
  })

  it('does not collapse beside one busy program or two (two threads there run at an eighth)', () => {
    for (const busy of [1, 2]) {
      const others = (): number => busy
      const runs = SEEDS.map((seed) => new SimulatedMachine({ others, seed }).run(30_000))
      expect(mean(runs.map(({ rate }) => rate))).toBeGreaterThan(
        new SimulatedMachine({ others }).run(30_000, { fixed: 1 }).rate * 0.97,
      )
      expect(mean(runs.map(({ crowdedSteps }) => crowdedSteps))).toBeLessThan(0.004)
    }
  })

  it('steps down within two slow steps when a program starts, and is back two seconds after it ended', () => {
    const machine = new SimulatedMachine({ others: (ms) => (ms > 5_000 && ms < 12_000 ? 2 : 0) })
    machine.run(5_000)
    const busy = machine.run(7_000)
    expect(busy.threads.lastIndexOf(2)).toBeLessThan(40)
    expect(busy.crowdedTime).toBeLessThan(0.1)
    machine.run(2_000)
    expect(share(machine.run(5_000).threads, 2)).toBeGreaterThan(0.95)
  })

  it('notices a program from the slow steps alone, where the system tells nothing', () => {
    const ran = new SimulatedMachine({ blind: true, others: () => 1 }).run(60_000)
    expect(ran.crowdedTime).toBeLessThan(0.05)
    expect(share(ran.threads, 1)).toBeGreaterThan(0.99)
  })

  it('does better than either fixed setting when others come and go slowly, and never much worse than one thread when they come and go fast', () => {
    for (const [period, least] of [
      [5_000, 1.1],
      [1_000, 0.95],
      [100, 0.95],
    ] as const) {
      const others = (ms: number): number => Math.floor(ms / period) % 2
      const ran = new SimulatedMachine({ others }).run(60_000)
      expect(ran.rate).toBeGreaterThan(new SimulatedMachine({ others }).run(60_000, { fixed: 1 }).rate * least)
      expect(ran.rate).toBeGreaterThan(new SimulatedMachine({ others }).run(60_000, { fixed: 2 }).rate * 1.1)
    }
  })

  it('comes back soon after short bursts of others, when what it gains in between is more than a slow step costs (one burst held it down for half a minute)', () => {
    const others = (ms: number): number => (ms % 5_000 < 300 ? 1 : 0)
    const ran = new SimulatedMachine({ others }).run(60_000)
    expect(ran.rate).toBeGreaterThan(new SimulatedMachine({ others }).run(60_000, { fixed: 1 }).rate * 1.2)
    expect(ran.crowdedTime).toBeLessThan(0.08)
  })

  it('does not take a pause in which others worked for a machine that is busy now (every first second after one ran at half speed)', () => {
    const machine = new SimulatedMachine({ others: (ms) => (ms > 3_000 && ms < 8_010 ? 1 : 0) })
    machine.run(3_000)
    machine.rest(8_008 - machine.now)
    expect(share(machine.run(1_000).threads, 2)).toBeGreaterThan(0.95)
  })

  it('goes on trying more threads when prompts end and answers begin (the trial waited two seconds for another prompt)', () => {
    const machine = new SimulatedMachine({ others: (ms) => (ms < 3_000 ? 1 : 0) })
    machine.run(3_000)
    let tries = 0
    for (let threads: number[] = []; threads.at(-1) !== 2 && tries < 50; tries += 1)
      ({ threads } = machine.run(1, { tokens: () => 64 }))
    expect(tries).toBeLessThan(50)
    expect(share(machine.run(1_000, { tokens: () => 16 }).threads, 2)).toBeGreaterThan(0.9)
  })

  it('gets its threads back though a step of the trial hiccups (one of 6 ms among steps of less than one failed it, and the next came a second later)', () => {
    const machine = new SimulatedMachine({
      others: (ms) => (ms < 2_000 ? 1 : 0),
      quietMs: (threads, tokens) => miniMs(threads, tokens) / 5,
    })
    machine.run(2_000)
    let tries = 0
    for (let threads: number[] = []; threads.at(-1) !== 2 && tries < 2_000; tries += 1) ({ threads } = machine.run(0.1))
    expect(tries).toBeLessThan(2_000)
    for (let step = 0; step < 4; step += 1) machine.run(0.1)
    machine.hiccup(6)
    expect(share(machine.run(500).threads, 2)).toBeGreaterThan(0.95)
  })

  it('steps down for a program though each step takes seconds (a long step passed for a pause, in which nobody is blamed)', () => {
    const machine = new SimulatedMachine({
      cores: 8,
      limit: 8,
      others: (ms) => (ms > 20_000 ? 1 : 0),
      quietMs: (threads) => 9_600 / threads,
    })
    machine.run(20_000)
    expect(share(machine.run(300_000).threads, 8)).toBeLessThan(0.1)
  })

  it('forgets after a quiet pause what steps with all threads cost in the crowded time (the first trial of fewer threads won for four hundred steps)', () => {
    const machine = new SimulatedMachine({
      others: (ms) => (ms < 300 ? 1 : 0),
      quietMs: (threads, tokens) => miniMs(threads, tokens) / 5,
    })
    machine.run(300)
    machine.rest(5_000)
    expect(share(machine.run(3_000).threads, 2)).toBeGreaterThan(0.95)
  })

  it('keeps two threads on a virtual machine that stands still now and then (fewer threads would not help)', () => {
    const ran = new SimulatedMachine({ steal: 0.03, stealMs: 8 }).run(30_000)
    expect(share(ran.threads, 2)).toBeGreaterThan(0.95)
  })

  it('keeps them through rare long stand-stills too, which no other program explains (each cost a second or more at half speed)', () => {
    expect(
      mean(
        SEEDS.map((seed) => share(new SimulatedMachine({ steal: 0.002, stealMs: 100, seed }).run(60_000).threads, 2)),
      ),
    ).toBeGreaterThan(0.95)
  })

  it('takes threads only from the steps that lose by them (long prompts ran at half speed for what small steps lost)', () => {
    let step = 0
    // A small step gains 0.2 ms by its second thread, and every fiftieth waits 15 ms for one; a long prompt gains a
    // half.
    const quietMs = (threads: number, tokens: number): number => {
      if (tokens > 100) return 90 / threads
      step += 1
      return (threads > 1 ? 0.6 : 0.8) + (threads > 1 && step % 50 === 0 ? 15 : 0)
    }
    const machine = new SimulatedMachine({ quietMs })
    for (let job = 0; job < 40; job += 1) {
      machine.run(1, { tokens: () => 512 })
      machine.run(150)
    }
    const [prompts, decodes]: number[][] = [[], []]
    for (let job = 0; job < 20; job += 1) {
      prompts?.push(...machine.run(1, { tokens: () => 512 }).threads)
      decodes?.push(...machine.run(150).threads)
    }
    expect(share(prompts ?? [], 2)).toBeGreaterThan(0.85)
    expect(share(decodes ?? [], 1)).toBeGreaterThan(0.6)
  })

  it('leaves to others what they use of many cores, and takes it back', () => {
    const machine = new SimulatedMachine({ cores: 8, limit: 8, others: (ms) => (ms < 10_000 ? 3 : 0) })
    machine.run(1_000)
    expect(share(machine.run(8_000).threads, 5)).toBeGreaterThan(0.98)
    machine.run(3_000)
    expect(share(machine.run(5_000).threads, 8)).toBeGreaterThan(0.95)
  })

  it('learns that fewer threads are faster, for the batches for which they are', () => {
    const quietMs = (threads: number, tokens: number): number => (tokens === 1 ? 0.5 + 0.1 * threads : 10 / threads)
    const machine = new SimulatedMachine({ quietMs })
    let step = 0
    const tokens = (): number => (Math.floor((step += 1) / 50) % 2 === 0 ? 1 : 8)
    machine.run(4_000, { tokens })
    const { threads } = machine.run(10_000, { tokens })
    const small = threads.filter((_, at) => Math.floor((at + 1) / 50) % 2 === 0)
    expect(new Set(threads)).toEqual(new Set([1, 2]))
    expect(small.length).toBeGreaterThan(100)
    step = 0
    expect(share(machine.run(1_000, { tokens: () => 1 }).threads, 1)).toBeGreaterThan(0.95)
    expect(share(machine.run(1_000, { tokens: () => 8 }).threads, 2)).toBeGreaterThan(0.95)
  })

  it('takes a costlier kind of step for what it is (a long context out of the cache is no busy machine)', () => {
    let factor = 1
    const machine = new SimulatedMachine({ quietMs: (threads) => (factor * 4) / threads })
    machine.run(3_000)
    factor = 6
    machine.run(3_000)
    expect(share(machine.run(5_000).threads, 2)).toBeGreaterThan(0.95)
  })

  it('follows its limit at once, down and up', () => {
    const machine = new SimulatedMachine({ cores: 4, limit: 4 })
    machine.run(500)
    machine.governor.setLimit(2)
    expect(Math.max(...machine.run(500).threads)).toBe(2)
    machine.governor.setLimit(4)
    expect(machine.governor.next(1)).toBe(4)
  })

  it('stays between one and its limit, and out of crowded cores, whatever others do', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 16 }),
        fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 1_000 }),
        fc.boolean(),
        (cores, limit, pattern, seed, blind) => {
          const machine = new SimulatedMachine({
            cores,
            limit,
            seed,
            blind,
            others: (ms) => Math.min(cores, pattern[Math.floor(ms / 6_000) % pattern.length] ?? 0),
          })
          const { threads, crowdedSteps } = machine.run(20_000)
          expect(Math.min(...threads)).toBeGreaterThanOrEqual(1)
          expect(Math.max(...threads)).toBeLessThanOrEqual(limit)
          if (!blind) expect(crowdedSteps).toBeLessThan(0.05)
        },
      ),
      { numRuns: 25 },
    )
  })
})

describe('what others use', () => {
  const watchOf = (
    lines: { at: number; busyMs: number; ownMs: number; running: number | null }[],
  ): { others: number }[] => {
    let now = 0
    let next = 0
    const mono = (): number => now
    const watch = createBusyWatch({ mono, read: () => lines[next]! })
    return lines.slice(1).map(({ at }) => {
      next += 1
      now = at
      return watch.look(1)
    })
  }

  it('is all processor time less our own', () => {
    const [first] = watchOf([
      { at: 0, busyMs: 0, ownMs: 0, running: 3 },
      { at: 100, busyMs: 200, ownMs: 100, running: 3 },
    ])
    expect(first?.others).toBeCloseTo(1)
  })

  it('says nothing from a moment too short for the counters (one tick would be two cores)', () => {
    const [first] = watchOf([
      { at: 0, busyMs: 0, ownMs: 0, running: 1 },
      { at: 5, busyMs: 10, ownMs: 0, running: 1 },
    ])
    expect(first?.others).toBe(0)
  })

  it('measures through a step longer than its window, and after a pause believes the run queue that it is over', () => {
    const [long, paused] = watchOf([
      { at: 0, busyMs: 0, ownMs: 0, running: 1 },
      { at: 600, busyMs: 1_200, ownMs: 600, running: 2 },
      { at: 60_600, busyMs: 61_200, ownMs: 600, running: 1 },
    ])
    expect(long?.others).toBeCloseTo(1)
    expect(paused?.others).toBe(0)
  })

  it("reads the kernel's table, only for the processors it may use", () => {
    const text = 'cpu  9 9 9 9\ncpu0 10 5 5 100 7 1 2 3 0 0\ncpu1 1 0 0 100 0 0 0 0 0 0\nintr 5\nprocs_running 4\n'
    expect(parseStat(text, null, 2)).toEqual({ busyMs: 270, running: 4 })
    expect(parseStat(text, new Set([1]), 1)).toEqual({ busyMs: 10, running: null })
    expect(parseStat('nothing', null, 2)).toBeNull()
  })

  it('reads this machine', () => {
    const sample = createCpuReader(1)()
    expect(sample?.busyMs).toBeGreaterThan(0)
    expect(sample?.ownMs).toBeGreaterThan(0)
  })

  it('knows affinity lists and the limits of control groups, of both versions and of every level', () => {
    expect([...(cpuList('0-2,5\n') ?? [])]).toEqual([0, 1, 2, 5])
    expect(cpuList('')).toBeNull()
    const files =
      (entries: Record<string, string>): ReadText =>
      (path) =>
        entries[path] ?? null
    const v2 = {
      '/proc/self/cgroup': '0::/a/b\n',
      '/sys/fs/cgroup/a/cpu.max': '150000 100000\n',
      '/sys/fs/cgroup/a/b/cpu.max': 'max 100000\n',
    }
    expect(quotaCores(files(v2))).toBe(1.5)
    const v1 = {
      '/proc/self/cgroup': '4:cpu,cpuacct:/c\n',
      '/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us': '400000\n',
      '/sys/fs/cgroup/cpu/c/cpu.cfs_period_us': '100000\n',
    }
    expect(quotaCores(files(v1))).toBe(4)
    expect(quotaCores(files({}))).toBe(Number.POSITIVE_INFINITY)
  })

  it('leaves a container its share beside others on the same processors (two cores of eight, and half the machine at work)', () => {
    let now = 0
    const watch = { look: () => ({ others: 4, known: true, at: (now += 100), gapMs: 0 }) }
    const governor = createGovernor({ limit: 2, cores: 2, processors: 8, mono: () => now, watch })
    expect([governor.next(1), governor.next(1)]).toEqual([2, 2])
    const crowded = createGovernor({ limit: 2, cores: 2, processors: 5, mono: () => now, watch })
    expect(crowded.next(1)).toBe(1)
  })

  it('costs nothing where there is one thread to give (no look at all)', () => {
    let looks = 0
    const watch = { look: () => ((looks += 1), { others: 0, known: true, at: 0, gapMs: 0 }) }
    const governor = createGovernor({ limit: 1, cores: 2, mono: () => 0, watch })
    governor.took({ threads: 1, tokens: 1, ms: 500 })
    expect([governor.next(1), looks]).toEqual([1, 0])
  })
})
