/**
 * One mark per item. Wrong ones have another shape, not only another colour; each opens its question, reply and rule.
 */
import type { ExamItemView } from '#contract/exams.ts'

function Shape({ right }: { right: boolean | null }) {
  if (right === true) return <rect width="10" height="10" rx="2" fill="var(--good)" />
  if (right === false)
    return (
      <path
        d="M1.600 1.600 8.400 8.400M8.400 1.600 1.600 8.400"
        stroke="var(--bad)"
        strokeWidth="2.600"
        strokeLinecap="round"
      />
    )
  return <circle cx="5" cy="5" r="4" fill="var(--c2)" />
}

/** Empty places shown at once: enough to see that more may come. */
const PLACES_MAX = 96
const WORDS = new Map<boolean | null, string>([
  [true, 'right'],
  [false, 'wrong'],
  [null, 'running'],
])

export function ItemGrid({
  items,
  onOpen,
  atMost,
}: {
  items: readonly ExamItemView[]
  onOpen?: (itemId: string) => void
  atMost: number
}) {
  const left = Math.min(PLACES_MAX, Math.max(0, atMost - items.length))
  return (
    <section className="items" aria-label="Exam items">
      {items.map((item) => (
        <button
          key={item.itemId}
          type="button"
          disabled={onOpen === undefined || item.right === null}
          onClick={() => onOpen?.(item.itemId)}
          aria-label={`${item.itemId}, ${WORDS.get(item.right)}`}
          title={`${item.itemId}: ${item.reason}`}
        >
          <svg viewBox="0 0 10 10" aria-hidden="true" focusable="false">
            <Shape right={item.right} />
          </svg>
        </button>
      ))}
      {Array.from({ length: left }, (_, index) => (
        <svg key={index} viewBox="0 0 10 10" aria-hidden="true" focusable="false">
          <rect x="0.500" y="0.500" width="9" height="9" rx="2" fill="var(--sunk)" stroke="var(--line)" />
        </svg>
      ))}
    </section>
  )
}

export function ItemLegend({ right, wrong, running }: { right: number; wrong: number; running: number }) {
  const mark = (state: boolean | null) => (
    <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true" focusable="false" style={{ marginRight: 6 }}>
      <Shape right={state} />
    </svg>
  )
  return (
    <ul className="legend num">
      <li>
        {mark(true)}right {right}
      </li>
      <li>
        {mark(false)}wrong {wrong}
      </li>
      {running > 0 && (
        <li>
          {mark(null)}running {running}
        </li>
      )}
    </ul>
  )
}
