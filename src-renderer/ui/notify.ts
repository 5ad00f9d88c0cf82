import { notifications } from '@mantine/notifications'

import { errorText } from './say.ts'

/** Says that something the seller asked for failed, in the core's own words. */
export const sayError = (title: string, error: unknown): void =>
  void notifications.show({ title, message: errorText(error), color: 'red', autoClose: 12_000 })

export const sayDone = (message: string): void => void notifications.show({ message, color: 'gray', autoClose: 5_000 })
