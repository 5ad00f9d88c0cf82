/**
 * The bar at the foot of the first run: whatever the step shows above it, its main button stands in the same place, at
 * the window's foot.
 */
import { createContext, type ReactNode, useContext, useState } from 'react'
import { createPortal } from 'react-dom'

const Slot = createContext<HTMLElement | null>(null)

/** The one way on of a step. A button in here that submits a form names it by `form`. */
export function MainAct({ children }: { children: ReactNode }) {
  const slot = useContext(Slot)
  return slot === null ? null : createPortal(children, slot)
}

/** `aside` stands quietly at the other end of the bar. */
export function WithBar({ aside, children }: { aside: ReactNode; children: ReactNode }) {
  const [slot, setSlot] = useState<HTMLElement | null>(null)
  return (
    <Slot value={slot}>
      <div className="wizard">
        {children}
        <div className="wizard-bar">
          <div className="btns" ref={setSlot} />
          {aside}
        </div>
      </div>
    </Slot>
  )
}
