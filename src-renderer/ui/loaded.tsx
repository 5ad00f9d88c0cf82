/**
 * What stands in a card while there is no value, or none to be had: loading, error and empty, each said in words with
 * one thing to do.
 */
import { Button } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { errorText, t } from './say.ts'

export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <output aria-label={t('loaded.loading')} className="grid" style={{ gap: 10, margin: 0 }}>
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} className="bone" style={{ width: `${100 - ((line * 17) % 40)}%` }} />
      ))}
    </output>
  )
}

export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div className="empty" role="alert">
      <strong>{t('loaded.failed')}</strong>
      <span>{errorText(error)}</span>
      {onRetry !== undefined && (
        <Button variant="default" size="xs" onClick={onRetry}>
          {t('loaded.again')}
        </Button>
      )}
    </div>
  )
}

/** Why it is empty, what must happen, and one button. */
export function Empty({ title, children, action }: { title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <strong>{title}</strong>
      <span>{children}</span>
      {action}
    </div>
  )
}

/** Shows the value when there is one (also an old one while a new one is fetched), else bones or the error. */
export function Loaded<T>({
  query,
  lines,
  children,
}: {
  query: UseQueryResult<T>
  lines?: number
  children: (data: T) => ReactNode
}) {
  if (query.data !== undefined) return <>{children(query.data)}</>
  if (query.isError) return <Failed error={query.error} onRetry={() => void query.refetch()} />
  return <Skeleton {...(lines === undefined ? {} : { lines })} />
}
