/** The words for the colours; each is a switch that takes its source out of the view and puts it back. */
import { colourOf, type IncomeSource } from '#ui/chart-data.ts'

import { toggled } from './earnings-search.ts'
import { useGo, useView } from './use-shown.ts'

const SHOWN = 12

export function SourceLegend({
  all,
  canFilter,
  withNet,
}: {
  all: readonly IncomeSource[]
  canFilter: boolean
  withNet: boolean
}) {
  const { only } = useView()
  const go = useGo()
  const names = all.map(({ source }) => source)
  const shown = all.slice(0, SHOWN)
  return (
    <ul className="legend earnings-legend">
      {shown.map(({ source, name, place }) => (
        <li key={source}>
          <button
            type="button"
            aria-pressed={only === undefined || only.includes(source)}
            disabled={!canFilter || all.length < 2}
            onClick={() => go({ only: toggled(only, source, names) })}
          >
            <i style={{ background: colourOf(place) }} />
            {name}
          </button>
        </li>
      ))}
      {all.length > SHOWN && <li>and {all.length - SHOWN} more, in the table</li>}
      <li>
        <i className="hatch" />
        held
      </li>
      <li>
        <i style={{ background: 'var(--power)' }} />
        electricity
      </li>
      {withNet && (
        <li>
          <i className="tick" />
          net
        </li>
      )}
    </ul>
  )
}
