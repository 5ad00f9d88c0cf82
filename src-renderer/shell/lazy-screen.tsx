/** A screen whose file is fetched when it is needed, and what stands there meanwhile or when it cannot be had. */
import { Button } from '@mantine/core'
import { type ComponentType, type FunctionComponent, useEffect, useRef, useState } from 'react'

import { Skeleton } from '#ui/loaded.tsx'
import { PageHead } from '#ui/page.tsx'
import { t } from '#ui/say.ts'

import { useConnection } from '../core-client.ts'
import { mendMissing, type MissingScreen, reloadPort } from './reload-once.ts'

/** The same room and bones as a screen that reads its first figures, so that nothing moves when it comes. */
export function PendingScreen() {
  return (
    <>
      <div className="top">
        <h1>{t('screen.loading')}</h1>
      </div>
      <Skeleton lines={6} />
    </>
  )
}

function Missing({ onAgain }: { onAgain: () => void }) {
  const online = useConnection().kind === 'online'
  const wasOnline = useRef(online)
  const [found, setFound] = useState<MissingScreen>('reloading')
  useEffect(() => {
    let isShown = true
    void mendMissing(reloadPort).then((answer) => isShown && setFound(answer))
    return () => void (isShown = false)
  }, [])
  useEffect(() => {
    // Not whenever it is online: a file that is missing there would be asked for without end.
    if (online && !wasOnline.current) onAgain()
    wasOnline.current = online
  }, [online, onAgain])
  if (found === 'reloading') return <PendingScreen />
  const again = found === 'missing' ? () => location.reload() : onAgain
  return (
    <>
      <PageHead title={t('screen.title')} sentence={t(`screen.${found}`)} sub={t(`screen.${found}.next`)} />
      <div role="alert">
        <Button variant="default" onClick={again}>
          {t(`screen.${found}.again`)}
        </Button>
      </div>
    </>
  )
}

export type LazyScreen = FunctionComponent & { preload(): Promise<void> }

/** `preload` fetches the file and never rejects: what cannot be had shows itself when the screen is shown. */
export function lazyScreen(load: () => Promise<ComponentType>): LazyScreen {
  let loaded: ComponentType | null = null
  let loading: Promise<void> | null = null
  const preload = (): Promise<void> => {
    if (loaded !== null) return Promise.resolve()
    loading ??= load()
      .then((screen) => {
        loaded = screen
        reloadPort.setReloaded(false)
      })
      .catch(() => undefined)
      .finally(() => void (loading = null))
    return loading
  }
  function Screen() {
    const [tried, setTried] = useState(false)
    const isThere = loaded !== null
    useEffect(() => {
      if (isThere || tried) return undefined
      let isShown = true
      void preload().then(() => isShown && setTried(true))
      return () => void (isShown = false)
    }, [isThere, tried])
    const Loaded = loaded
    if (Loaded !== null) return <Loaded />
    return tried ? <Missing onAgain={() => setTried(false)} /> : <PendingScreen />
  }
  return Object.assign(Screen, { preload })
}
