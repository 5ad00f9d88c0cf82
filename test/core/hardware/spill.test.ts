/**
 * The silent spill, from counters as Windows gives them (written after its documentation; no Windows was here) and from
 * AMD's fdinfo. Catches: a spill that is never seen, one that is seen where there is none (pinned buffers at the load, a
 * game's memory, a flicker), one that is forgotten because a reading failed.
 */
import { describe, expect, it } from 'vitest'

import { driverDevices } from '#core/hardware/match-devices.ts'
import type { SensedDevice } from '#core/hardware/sensors.port.ts'
import { sampleOf, spilledBytes, spillStep, type SpillSample, type SpillState } from '#core/hardware/spill.ts'
import { parseWindowsCounters } from '#sensors/windows-counters.ts'

const MIB = 2 ** 20
const LUID = 'luid_0x00000000_0x0000D1A5'
/** As `Get-CimInstance Win32_PerfFormattedData_GPUPerformanceCounters_…` gives it: 64-bit figures as numbers, one row a process and adapter. */
const counters = (shared: number, game = 0): string =>
  JSON.stringify({
    adapters: [
      { Name: `${LUID}_phys_0`, DedicatedUsage: 11_000 * MIB, SharedUsage: (shared + game + 90) * MIB },
      { Name: 'luid_0x00000000_0x00012345_phys_0', DedicatedUsage: 0, SharedUsage: 0 },
    ],
    processes: [
      { Name: `pid_4711_${LUID}_phys_0`, DedicatedUsage: 9_000 * MIB, SharedUsage: shared * MIB },
      { Name: `pid_666_${LUID}_phys_0`, DedicatedUsage: 800 * MIB, SharedUsage: game * MIB },
      { Name: `pid_4_${LUID}_phys_0`, DedicatedUsage: 0, SharedUsage: 0 },
    ],
  })
const windows = (shared: number, game = 0): SensedDevice[] => parseWindowsCounters(counters(shared, game))

/** Follows one deployment; what it spilled, by sample. */
function follow(steps: readonly { devices: SensedDevice[] | null; isServing?: boolean; pids?: number[] }[]) {
  let state: SpillState = new Map()
  return steps.map(({ devices, isServing = true, pids = [4_711] }, at) => {
    const sample = devices === null ? null : sampleOf({ deploymentId: 'dep_1', pids, isServing }, devices)
    const samples: SpillSample[] = sample === null ? [] : [sample]
    const step = spillStep(state, { samples, inMemory: new Set(['dep_1']), now: at * 2_000 })
    ;({ state } = step)
    return step.spills.map(({ bytes, since }) => `${bytes / MIB} since ${since}`).join()
  })
}

describe('a spill', () => {
  it('is a shared part that rises while it serves, in two samples in a row; since when is the last good one', () => {
    expect(follow([60, 62, 61, 700, 900, 900].map((shared) => ({ devices: windows(shared) })))).toEqual([
      '',
      '',
      '',
      '',
      '840 since 4000',
      '840 since 4000',
    ])
  })

  it('is none: pinned buffers that are there from the load on, a flicker, less than 5 % of the card, a game’s own', () => {
    expect(follow([3_000, 3_000, 3_000].map((shared) => ({ devices: windows(shared) }))).join('')).toBe('')
    expect(follow([60, 900, 60, 900, 60].map((shared) => ({ devices: windows(shared) }))).join('')).toBe('')
    expect(follow([60, 400, 400, 400].map((shared) => ({ devices: windows(shared) }))).join('')).toBe('')
    expect(follow([0, 5_000, 5_000].map((game) => ({ devices: windows(60, game) }))).join('')).toBe('')
  })

  it('is none while nothing is served, and goes on counting in a pause of what began while it was', () => {
    const idle = { devices: windows(900), isServing: false }
    expect(follow([{ devices: windows(60) }, idle, idle, idle]).join('')).toBe('')
    expect(follow([{ devices: windows(60) }, { devices: windows(900) }, idle]).at(-1)).toBe('840 since 0')
  })

  it('is not forgotten by a reading that failed, and forgotten by another load', () => {
    expect(
      follow([{ devices: windows(60) }, { devices: null }, { devices: windows(900) }, { devices: windows(900) }]).at(
        -1,
      ),
    ).toBe('840 since 0')
    const other = { devices: windows(900), pids: [4_711, 4_712] }
    expect(follow([{ devices: windows(60) }, other, other, other]).join('')).toBe('')
  })

  it('is over once the part is back, and cannot be said where nobody counts', () => {
    const sample = (devices: SensedDevice[]) =>
      sampleOf({ deploymentId: 'dep_1', pids: [4_711], isServing: true }, devices)
    const { state } = spillStep(new Map(), { samples: [sample(windows(60))!], inMemory: new Set(['dep_1']), now: 0 })
    expect(spilledBytes(state, sample(windows(900)))).toBe(840 * MIB)
    expect(spilledBytes(state, sample(windows(100)))).toBe(0)
    expect(spilledBytes(state, sample([]))).toBeNull()
    const uncounted = windows(900).map((one) => ({
      ...one,
      users: one.users!.map((user) => ({ ...user, sharedBytes: null })),
    }))
    expect(spilledBytes(state, sample(uncounted))).toBeNull()
  })
})

describe('Windows’ counters', () => {
  it('keep dedicated and shared apart, by process; adapters that nobody uses are left out', () => {
    expect(windows(700)).toMatchObject([
      {
        source: 'windows',
        id: LUID.toLowerCase(),
        shared: { usedBytes: 790 * MIB, totalBytes: null },
        users: [
          { pid: 4_711, bytes: 9_000 * MIB, sharedBytes: 700 * MIB },
          { pid: 666, bytes: 800 * MIB, sharedBytes: 0 },
        ],
      },
    ])
  })

  it('are put onto the card that NVIDIA’s driver names, by whose processes are on it', () => {
    const nvml = (id: string, pid: number): SensedDevice => ({
      source: 'nvml',
      id,
      name: `RTX ${id}`,
      pci: null,
      memory: null,
      shared: null,
      temperatureC: null,
      watts: null,
      limitWatts: null,
      users: [{ pid, parent: null, name: 'x.exe', bytes: null, sharedBytes: null }],
      problems: [],
    })
    const devices = driverDevices({
      problem: null,
      sources: [
        { source: 'nvml', problem: null, restarts: 0, devices: [nvml('a', 1), nvml('b', 666)] },
        { source: 'windows', problem: null, restarts: 0, devices: windows(700) },
      ],
    })
    expect(devices).toMatchObject([
      { id: 'a', shared: null },
      {
        id: 'b',
        shared: { usedBytes: 790 * MIB },
        users: [
          { pid: 666, name: 'x.exe', bytes: 800 * MIB, sharedBytes: 0 },
          { pid: 4_711, bytes: 9_000 * MIB, sharedBytes: 700 * MIB },
        ],
      },
    ])
  })

  it.each(['null', '{}', '{"adapters":"none","processes":[null,{"Name":7},{"Name":"pid_x_luid_0x0_0x0"}]}', '[]'])(
    'of rubbish (%s) are no device',
    (json) => expect(parseWindowsCounters(json)).toEqual([]),
  )
})
