/**
 * The page of `npm run bench:screens`: draws one chart of 24 points, `?what=bare` a plain one of recharts, `?what=ours` the
 * chart of the earnings page with everything on it, and says how long it took until its bars stood.
 */
import { createRef } from 'react'
import { flushSync } from 'react-dom'
import { createRoot } from 'react-dom/client'
import { Bar, BarChart, CartesianGrid, Tooltip, XAxis, YAxis } from 'recharts'

import { unitOf } from '#contract/units.ts'

import { IncomePlot } from '../../../src-renderer/features/earnings/income-plot.tsx'
import type { PlotColumn } from '../../../src-renderer/features/earnings/plot-data.ts'

const POINTS = 24
const HOUR_MS = 3_600_000
const values = Array.from({ length: POINTS }, (_, index) => 1e6 * (2 + Math.sin(index / 3)))

const bare = (
  <BarChart width={1_100} height={300} data={values.map((value, index) => ({ label: `${index}:00`, value }))}>
    <CartesianGrid vertical={false} />
    <XAxis dataKey="label" />
    <YAxis />
    <Tooltip />
    <Bar dataKey="value" isAnimationActive={false} />
  </BarChart>
)

const columns = values.map((value, index): PlotColumn => ({
  at: index * HOUR_MS,
  end: (index + 1) * HOUR_MS,
  label: `${index}:00`,
  begun: true,
  parts: [
    { place: 0, earned: value, held: index > 16 ? value / 2 : 0 },
    { place: 1, earned: value / 3, held: 0 },
  ],
  earned: (value * 4) / 3,
  held: index > 16 ? value / 2 : 0,
  jobs: 3,
  power: value / 2,
  gpus: [],
  off: index === 9 ? 1 : 0,
  listedMs: HOUR_MS,
  servedMs: HOUR_MS / 2,
  busyMs: HOUR_MS / 3,
  onMs: HOUR_MS,
}))
const ours = (
  <IncomePlot
    columns={columns}
    sources={[
      { source: 'a', name: 'text-standard', place: 0 },
      { source: 'b', name: 'code-standard', place: 1 },
    ]}
    gpus={[]}
    marks={[{ at: 5 * HOUR_MS, kind: 'ask', code: 'listing.paused', instrument: 'a', askNano: null, beforeNano: null }]}
    unit={unitOf('EUR')}
    powerCurrency="EUR"
    one
    withNet
    sums={false}
    byGpu={false}
    label="Earned by hour."
    now={23.5 * HOUR_MS}
    picture={createRef()}
  />
)

const isBare = new URLSearchParams(location.search).get('what') === 'bare'
const box = document.querySelector('#chart')!
const drawn = (): boolean =>
  box.querySelector(isBare ? '.recharts-bar-rectangle path' : '[data-series="available"]') !== null

async function draw(): Promise<void> {
  const root = createRoot(box)
  const started = performance.now()
  flushSync(() => root.render(isBare ? bare : ours))
  for (let turn = 0; !drawn() && turn < 10_000; turn += 1)
    await new Promise<void>((resolve) => {
      const { port1, port2 } = new MessageChannel()
      port1.addEventListener('message', () => resolve())
      port1.start()
      port2.postMessage(null)
    })
  // Places of everything, which the browser works out only when asked.
  box.getBoundingClientRect()
  document.body.dataset['ms'] = drawn() ? String(performance.now() - started) : 'nothing'
}
void draw()
