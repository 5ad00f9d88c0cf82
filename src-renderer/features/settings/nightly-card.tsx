/** The nightly copies: on or off, where they go, how many stay. */
import { Button, Switch, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'

import type { BackupSettings, BackupStatus } from '#contract/backup.ts'
import { count, fileSize } from '#ui/format.ts'
import { sayDone, sayError } from '#ui/notify.ts'
import { Card } from '#ui/page.tsx'
import { t } from '#ui/say.ts'

import { useCore } from '../../core-client.ts'

const KEEP_MOST = 365
const GB = 1_000_000_000
const GB_MOST = 1_000_000

export interface NightlyDraft {
  folder: string
  keep: string
  gigabytes: string
}

export const draftOfNightly = ({ folder, keep, bytesMax }: BackupSettings): NightlyDraft => ({
  folder: folder ?? '',
  keep: String(keep),
  gigabytes: String(Math.round(bytesMax / GB)),
})

const whole = (text: string, most: number): number | null => {
  const value = /^\d{1,7}$/.test(text.trim()) ? Number(text) : 0
  return value >= 1 && value <= most ? value : null
}

/** What the draft asks for; null where a number is none. */
export const readNightly = ({ folder, keep, gigabytes }: NightlyDraft) => {
  const gb = whole(gigabytes, GB_MOST)
  return {
    folder: folder.trim() === '' ? null : folder.trim(),
    keep: whole(keep, KEEP_MOST),
    bytesMax: gb === null ? null : gb * GB,
  }
}

function Bounds({
  settings,
  change,
}: {
  settings: BackupSettings
  change: { mutate(change: Partial<BackupSettings>): void; isPending: boolean }
}) {
  const [draft, setDraft] = useState(draftOfNightly(settings))
  const { folder, keep, bytesMax } = readNightly(draft)
  const set = (field: keyof NightlyDraft) => (event: { currentTarget: HTMLInputElement }) => {
    const { value } = event.currentTarget
    setDraft((before) => ({ ...before, [field]: value }))
  }
  const save = (): void => {
    if (keep !== null && bytesMax !== null) change.mutate({ folder, keep, bytesMax })
  }
  return (
    <form className="column" onSubmit={(event) => (event.preventDefault(), save())}>
      <TextInput
        label={t('backup.folder')}
        description={t('backup.folderOwn')}
        maxLength={1_024}
        value={draft.folder}
        onChange={set('folder')}
      />
      <div className="btns" style={{ alignItems: 'flex-end' }}>
        <TextInput
          style={{ flex: '0 1 8rem' }}
          label={t('backup.keep')}
          inputMode="numeric"
          value={draft.keep}
          error={keep === null ? t('backup.keepProblem', { most: count(KEEP_MOST) }) : null}
          onChange={set('keep')}
        />
        <TextInput
          style={{ flex: '0 1 8rem' }}
          label={t('backup.gigabytes')}
          inputMode="numeric"
          value={draft.gigabytes}
          error={bytesMax === null ? t('backup.gigabytesProblem') : null}
          onChange={set('gigabytes')}
        />
        <Button
          type="submit"
          variant="default"
          loading={change.isPending}
          disabled={keep === null || bytesMax === null}
        >
          {t('backup.save')}
        </Button>
      </div>
    </form>
  )
}

export function NightlyCard({ status: { settings, kept, elsewhere } }: { status: BackupStatus }) {
  const { client, queries } = useCore()
  const change = useMutation({
    mutationFn: (next: Partial<BackupSettings>) => client.backup.change(next),
    onSuccess: () => sayDone(t('backup.saved')),
    onError: (error) => sayError(t('backup.notSaved'), error),
    onSettled: () => void queries.invalidateQueries({ queryKey: [['backup']] }),
  })
  const { automatic, keep, bytesMax, folder } = settings
  return (
    <Card title={t('backup.nightly')}>
      <div className="column">
        <Switch
          label={t('backup.switch')}
          description={t('backup.switchWhy')}
          checked={automatic}
          disabled={change.isPending}
          onChange={(event) => change.mutate({ automatic: event.currentTarget.checked })}
        />
        <Bounds key={`${folder} ${keep} ${bytesMax}`} settings={settings} change={change} />
        <p className="foot" style={{ margin: 0 }}>
          {t('backup.kept', {
            copies: kept.copies,
            size: fileSize(kept.bytes),
            keep: count(keep),
            most: `${count(bytesMax / GB)} GB`,
          })}
        </p>
        {automatic && !elsewhere && (
          <p className="banner act" style={{ margin: 0 }}>
            {t('backup.sameDisk')}
          </p>
        )}
      </div>
    </Card>
  )
}
