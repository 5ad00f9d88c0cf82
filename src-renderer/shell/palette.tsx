/** The command palette: type a few letters, arrows choose, Enter does it. */
/* oxlint-disable jsx-a11y/prefer-tag-over-role, jsx-a11y/no-noninteractive-element-to-interactive-role, jsx-a11y/click-events-have-key-events -- the ARIA combobox pattern: the input keeps the focus and handles the keys, options are only pointed at */
import { Modal, TextInput } from '@mantine/core'
import { useState, type KeyboardEvent } from 'react'

export interface Command {
  id: string
  name: string
  hint?: string
  run: () => void
}

/** Every typed word must start a word of the command's name. */
export function matching(commands: readonly Command[], typed: string): Command[] {
  const words = typed
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  return commands.filter(({ name }) =>
    words.every((word) =>
      name
        .toLowerCase()
        .split(/\s+/)
        .some((part) => part.startsWith(word)),
    ),
  )
}

export function Palette({
  opened,
  onClose,
  commands,
}: {
  opened: boolean
  onClose: () => void
  commands: readonly Command[]
}) {
  const [typed, setTyped] = useState('')
  const [at, setAt] = useState(0)
  const found = matching(commands, typed)
  const current = found[Math.min(at, found.length - 1)]
  const close = (): void => {
    setTyped('')
    setAt(0)
    onClose()
  }
  const run = (command: Command | undefined): void => {
    close()
    command?.run()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown') setAt(Math.min(at + 1, found.length - 1))
    else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0))
    else if (event.key === 'Enter') run(current)
    else return
    event.preventDefault()
  }
  return (
    <Modal opened={opened} onClose={close} title="Commands" size="lg">
      <TextInput
        data-autofocus
        aria-label="Search commands"
        placeholder="Type a command or a page"
        value={typed}
        onChange={(event) => (setTyped(event.currentTarget.value), setAt(0))}
        onKeyDown={onKeyDown}
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        {...(current === undefined ? {} : { 'aria-activedescendant': `command-${current.id}` })}
      />
      <ul className="palette-list" id="palette-list" role="listbox" aria-label="Commands">
        {found.map((command) => (
          <li
            key={command.id}
            id={`command-${command.id}`}
            role="option"
            aria-selected={command === current}
            onClick={() => run(command)}
          >
            {command.name}
            {command.hint !== undefined && <span className="kbd">{command.hint}</span>}
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="foot">No command has these words.</p>}
    </Modal>
  )
}
