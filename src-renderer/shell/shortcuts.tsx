import { Modal } from '@mantine/core'

import { PAGES } from './pages.ts'

const OTHERS: readonly (readonly [string, string])[] = [
  ['Space', 'Pause or resume the listing (when no control has the focus)'],
  ['Ctrl K or ⌘ K', 'Commands'],
  ['?', 'This list'],
  ['Tab, Shift Tab', 'Next and previous control; the first one on a page skips to its content'],
  ['Esc', 'Close a dialog or a drawer'],
  ['← →', 'Walk through the bars of a chart that has the focus'],
]

export function Shortcuts({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keyboard" size="lg">
      <dl className="facts">
        {PAGES.map((page) => [<dt key={`${page.digit}k`}>{page.digit}</dt>, <dd key={page.digit}>{page.name}</dd>])}
        {OTHERS.map(([key, what]) => [<dt key={`${key}k`}>{key}</dt>, <dd key={key}>{what}</dd>])}
      </dl>
    </Modal>
  )
}
