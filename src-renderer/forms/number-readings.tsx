/** Asks which number was meant, where what was typed can be read in two ways. */
import { Button } from '@mantine/core'

import { localised } from '#ui/number-format.ts'
import { typeable } from '#ui/read-number.ts'
import { t } from '#ui/say.ts'

/** Two decimals at least, so that the two readings cannot be taken for each other. */
const shown = (plain: string): string => localised(plain.includes('.') ? plain : `${plain}.00`)

export interface NumberReadingsProps {
  /** Plain decimals; null where there is nothing to ask. */
  texts: readonly [string, string] | null
  /** What stands in the field from then on. */
  onChoose: (typed: string) => void
}

export function NumberReadings({ texts, onChoose }: NumberReadingsProps) {
  if (texts === null) return null
  return (
    <fieldset className="btns" style={{ border: 0, margin: '8px 0 0', padding: 0 }}>
      <legend className="age">{t('ask.whichLegend')}</legend>
      {texts.map((plain) => (
        <Button key={plain} size="xs" variant="default" onClick={() => onChoose(typeable(plain))}>
          {shown(plain)}
        </Button>
      ))}
    </fieldset>
  )
}
