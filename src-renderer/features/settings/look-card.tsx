import { SegmentedControl } from '@mantine/core'

import type { Settings } from '#contract/app.ts'
import { Card } from '#ui/page.tsx'

import { useConnection } from '../../core-client.ts'
import { useSave } from './use-save.ts'

export function LookCard({ settings }: { settings: Settings }) {
  const save = useSave('Stored.')
  const connection = useConnection()
  const desktop = connection.kind === 'online' && connection.hello.mode === 'desktop'
  return (
    <Card title="Look and window">
      <div style={{ display: 'grid', gap: 12, justifyItems: 'start' }}>
        <div className="btns">
          <span id="theme-label">Theme</span>
          <SegmentedControl
            aria-labelledby="theme-label"
            value={settings.theme}
            onChange={(theme) => save.mutate({ theme })}
            data={['system', 'light', 'dark']}
          />
        </div>
        {desktop && (
          <div className="btns">
            <span id="close-label">Closing the window</span>
            <SegmentedControl
              aria-labelledby="close-label"
              value={settings.closeToTray}
              onChange={(closeToTray) => save.mutate({ closeToTray })}
              data={[
                { value: 'ask', label: 'asks' },
                { value: 'tray', label: 'keeps serving' },
                { value: 'quit', label: 'quits' },
              ]}
            />
          </div>
        )}
      </div>
    </Card>
  )
}
