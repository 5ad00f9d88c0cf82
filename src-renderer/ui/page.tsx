/** The frame every screen shares: one true sentence, what to do next, then the evidence in cards. */
import { useEffect, type ReactNode } from 'react'

export function PageHead({
  title,
  sentence,
  sub,
  actions,
}: {
  title: string
  sentence: ReactNode
  sub?: ReactNode
  actions?: ReactNode
}) {
  useEffect(() => {
    document.title = `${title} · Stoker`
  }, [title])
  return (
    <div className="top">
      <div>
        <h1>{sentence}</h1>
        {sub !== undefined && <div className="sub">{sub}</div>}
      </div>
      {actions !== undefined && <div className="btns">{actions}</div>}
    </div>
  )
}

/** A card with a head. Without a title it is a plain panel. */
export function Card({
  title,
  aside,
  children,
  className = '',
  label,
}: {
  title?: ReactNode
  aside?: ReactNode
  children: ReactNode
  className?: string
  label?: string
}) {
  return (
    <section className={`card ${className}`} aria-label={label ?? (typeof title === 'string' ? title : undefined)}>
      {title !== undefined && (
        <div className="head">
          <h2>{title}</h2>
          {aside}
        </div>
      )}
      {children}
    </section>
  )
}

/** One figure with its question above and what stands behind it below. */
export function Tile({
  question,
  value,
  unit,
  foot,
  children,
}: {
  question: string
  value: ReactNode
  unit?: ReactNode
  foot?: ReactNode
  children?: ReactNode
}) {
  return (
    <section className="card tile" aria-label={question}>
      <h2 className="q">{question}</h2>
      <div className="big num">
        {value} {unit !== undefined && <small>{unit}</small>}
      </div>
      {children}
      {foot !== undefined && <div className="foot">{foot}</div>}
    </section>
  )
}
