/**
 * First run: from a machine to a first (practice) earning. Skippable, resumable, and each step says what happens next.
 */
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'

import type { Onboarding } from '#contract/app.ts'
import { Loaded } from '#ui/loaded.tsx'
import { sayError } from '#ui/notify.ts'

import { useCore } from '../../core-client.ts'
import { AskStep } from './ask-step.tsx'
import { EarningStep } from './earning-step.tsx'
import { ExamStep } from './exam-step.tsx'
import { WithBar } from './main-act.tsx'
import { MachineStep } from './machine-step.tsx'
import { ModelStep } from './model-step.tsx'
import { PowerStep } from './power-step.tsx'
import { openAt, WELCOME_STEP_NAMES, WELCOME_STEPS, type WelcomeStep } from './steps.ts'

function StepList({ step, onGo }: { step: WelcomeStep; onGo: (step: WelcomeStep) => void }) {
  const at = WELCOME_STEPS.indexOf(step)
  return (
    <ol className="steps" aria-label="Steps">
      {WELCOME_STEPS.map((each, index) => (
        <li
          key={each}
          className={index < at ? 'past' : undefined}
          {...(each === step ? { 'aria-current': 'step' as const } : {})}
        >
          {index < at ? (
            <button type="button" className="link-btn" style={{ color: 'inherit' }} onClick={() => onGo(each)}>
              ✓ {WELCOME_STEP_NAMES[each]}
            </button>
          ) : (
            <span>{`${index + 1} ${WELCOME_STEP_NAMES[each]}`}</span>
          )}
        </li>
      ))}
    </ol>
  )
}

function Walk({ stored }: { stored: Onboarding }) {
  const { client, queries } = useCore()
  const navigate = useNavigate()
  const [step, setStep] = useState<WelcomeStep>(openAt(stored.step))
  const store = useMutation({
    mutationFn: (change: { step?: Onboarding['step']; skipped?: boolean }) => client.app.updateOnboarding(change),
    onSuccess: (value) => void queries.setQueryData([['app', 'onboarding'], { type: 'query' }], value),
    onError: (error) => sayError('The step was not stored', error),
  })
  const go = (next: WelcomeStep): void => {
    setStep(next)
    store.mutate({ step: next })
  }
  const leave = async (change: { step?: Onboarding['step']; skipped?: boolean }): Promise<void> => {
    await store.mutateAsync(change).catch(() => undefined)
    await navigate({ to: '/' })
  }
  return (
    <WithBar
      aside={
        step !== 'earning' && (
          <button type="button" className="link-btn" onClick={() => void leave({ skipped: true })}>
            Skip for now
          </button>
        )
      }
    >
      <StepList step={step} onGo={setStep} />
      {step === 'welcome' && <MachineStep onNext={() => go('power')} />}
      {step === 'power' && <PowerStep onNext={() => go('model')} />}
      {step === 'model' && <ModelStep onNext={() => go('exam')} />}
      {step === 'exam' && <ExamStep onNext={() => go('ask')} onModel={() => go('model')} />}
      {step === 'ask' && <AskStep onNext={() => go('earning')} onExam={() => go('exam')} />}
      {step === 'earning' && <EarningStep onboarding={stored} onDone={() => void leave({ step: 'done' })} />}
    </WithBar>
  )
}

export function WelcomePage() {
  const { rpc } = useCore()
  const onboarding = useQuery(rpc.app.onboarding.queryOptions())
  return <Loaded query={onboarding}>{(stored) => <Walk stored={stored} />}</Loaded>
}
