import { describe, expect, it } from 'vitest'

import { createSlotLeases } from '#core/capacity/index.ts'

const call = { exam: false, begun: false, inputTokens: 3, tokensLeft: 9 }

describe('slots of a deployment', () => {
  it('are leased up to their number, whoever asks, and again when one is given back', () => {
    const leases = createSlotLeases({ slotsOf: (id) => (id === 'dep_1' ? 2 : 1) })
    const [first, second, none] = [leases.lease('dep_1'), leases.lease('dep_1'), leases.lease('dep_1')]
    expect([first?.deploymentId, second?.deploymentId, none, leases.leased('dep_1')]).toEqual([
      'dep_1',
      'dep_1',
      null,
      2,
    ])
    expect(leases.lease('dep_2')).not.toBeNull()
    first!.release()
    // A second time gives nothing back.
    first!.release()
    expect(leases.leased('dep_1')).toBe(1)
    expect([leases.lease('dep_1') !== null, leases.lease('dep_1')]).toEqual([true, null])
  })

  it('that is not in memory are none', () => {
    const leases = createSlotLeases({ slotsOf: () => null })
    expect([leases.lease('dep_1'), leases.leased('dep_1')]).toEqual([null, 0])
  })

  it('that become fewer are not taken back, and none is leased until there is room', () => {
    let slots = 2
    const leases = createSlotLeases({ slotsOf: () => slots })
    const held = [leases.lease('dep_1')!, leases.lease('dep_1')!]
    slots = 1
    held[0]!.release()
    expect([leases.leased('dep_1'), leases.lease('dep_1')]).toEqual([1, null])
  })
})

describe('calls in work', () => {
  it('are counted by deployment until each ends, exam calls too', () => {
    const leases = createSlotLeases({ slotsOf: () => 1 })
    const end = leases.serve('dep_1', call)
    leases.serve('dep_1', { ...call, exam: true })
    expect([leases.calls('dep_1').map(({ exam }) => exam), leases.calls('dep_2')]).toEqual([[false, true], []])
    end()
    end()
    expect(leases.calls('dep_1')).toHaveLength(1)
  })
})
