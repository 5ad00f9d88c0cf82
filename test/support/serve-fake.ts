/** For looking at screens: `npx node test/support/serve-fake.ts [scenario] [port]` after a build. */
import { SCENARIOS, type Scenario } from './fake-core.ts'
import { startFakeServer } from './fake-server.ts'

const [scenario = 'busy', port = '5170'] = process.argv.slice(2)
if (!SCENARIOS.includes(scenario as Scenario)) {
  console.error(`choose a scenario: ${SCENARIOS.join(', ')}`)
  process.exit(2)
}
const { url } = await startFakeServer({
  scenario: scenario as Scenario,
  port: Number(port),
  examRunning: process.argv.includes('--exam'),
})
console.log(`${scenario}: ${url}`)
