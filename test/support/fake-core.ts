/** FakeCore for looking at screens and for UI tests: the whole contract in memory, several scenarios. */
export { createFakeCore, type FakeCoreOptions } from './fake-core/router.ts'
export { type Scenario, SCENARIOS } from './fake-core/state.ts'
