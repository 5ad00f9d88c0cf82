import { useMutation } from '@tanstack/react-query'

import type { Settings } from '#contract/app.ts'
import { sayDone, sayError } from '#ui/notify.ts'

import { useCore } from '../../core-client.ts'

/** Stores a part of the settings and says so. */
export function useSave(done: string) {
  const { client, queries } = useCore()
  return useMutation({
    mutationFn: (change: Partial<Settings>) => client.app.updateSettings(change),
    onSuccess: () => (sayDone(done), void queries.invalidateQueries({ queryKey: [['app']] })),
    onError: (error) => sayError('The setting was not stored', error),
  })
}
