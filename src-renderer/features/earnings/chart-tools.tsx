/** What every chart offers: the table behind it, and itself as a file. */
import { Button } from '@mantine/core'
import type { RefObject } from 'react'

import { sayError } from '#ui/notify.ts'

import { savePng, saveSvg } from './save-picture.ts'

interface ChartToolsProps {
  /** Of the files, without an ending. */
  fileName: string
  /** What the buttons speak of: `chart by day`. */
  what: string
  /** Where the drawn SVG lies; not there while the table is shown. */
  picture: RefObject<HTMLElement | null>
  isTable?: boolean
  onTable?: (isTable: boolean) => void
  onCsv?: () => void
}

export function ChartTools({ fileName, what, picture, isTable = false, onTable, onCsv }: ChartToolsProps) {
  const withSvg = (use: (svg: SVGSVGElement) => void | Promise<void>) => () => {
    const svg = picture.current?.querySelector('svg')
    if (svg == null) return
    // What throws at once is told like what throws later.
    void (async () => use(svg))().catch((error: unknown) => sayError('The picture was not saved', error))
  }
  const tool = { variant: 'subtle', size: 'compact-xs', color: 'gray' } as const
  return (
    <span className="chart-tools">
      {onTable !== undefined && (
        <Button {...tool} aria-pressed={isTable} aria-label={`${what} as a table`} onClick={() => onTable(!isTable)}>
          table
        </Button>
      )}
      {onCsv !== undefined && (
        <Button {...tool} aria-label={`${what} as CSV`} onClick={onCsv}>
          CSV
        </Button>
      )}
      <Button
        {...tool}
        disabled={isTable}
        aria-label={`${what} as SVG`}
        onClick={withSvg((svg) => saveSvg(svg, fileName))}
      >
        SVG
      </Button>
      <Button
        {...tool}
        disabled={isTable}
        aria-label={`${what} as PNG`}
        onClick={withSvg((svg) => savePng(svg, fileName))}
      >
        PNG
      </Button>
    </span>
  )
}
