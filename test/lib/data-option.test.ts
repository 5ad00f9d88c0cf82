/** Commands that are printed mean the folder they are printed for. */
import { join } from 'node:path'

import { afterEach, describe, expect, it } from 'vitest'

import { because } from '#contract/reasons.ts'
import { dataDirectory, dataOption } from '#lib/data-directory.ts'
import { commandsAreFor, englishWords } from '#words/words.ts'

afterEach(() => commandsAreFor(''))

describe('the --data of a printed command', () => {
  it('is left out for the folder that commands take by themselves, and for no other', () => {
    const own = dataDirectory({})
    expect(dataOption(own, {})).toBe('')
    expect(dataOption('/data/rig-1', {})).toBe(' --data /data/rig-1')
    // Another terminal may not have that variable.
    expect(dataOption('/data/rig-1', { STOKER_DATA: '/data/rig-1' })).toBe(' --data /data/rig-1')
    expect(dataOption(own, { STOKER_DATA: '/data/rig-1' })).toBe('')
  })

  it.skipIf(process.platform === 'win32')('survives a shell', () => {
    expect(dataOption("/data/Kim's rig; $HOME", {})).toBe(String.raw` --data '/data/Kim'\''s rig; $HOME'`)
    expect(dataOption('rig', {})).toBe(` --data ${join(process.cwd(), 'rig')}`)
  })

  it('follows the commands of reasons and texts', () => {
    const said = () => [
      englishWords.say(because('next.takeOver')),
      englishWords.text('backup.commandRun'),
      englishWords.text('backup.restoreRun'),
    ]
    expect(said().some((text) => text.includes('--data'))).toBe(false)
    commandsAreFor(' --data /data/rig-1')
    expect(said()).toEqual([
      expect.stringMatching(/take-over --data \/data\/rig-1$/),
      'npm run -s stoker -- backup FOLDER --data /data/rig-1',
      'npm run -s stoker -- restore FOLDER --data /data/rig-1',
    ])
  })
})
