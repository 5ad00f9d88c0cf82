/**
 * Serving over a Fake core: fewer slots offered and accepted jobs being finished, several deployments, servers
 * elsewhere, measuring, own use, and taking the machine back.
 */
import { expect, test, type Page } from '@playwright/test'

import { startFakeServer } from '../support/fake-server.ts'
import { expectAccessible, expectNoOverflow, goTo, noBrowser, openPage } from './pages.ts'

test.skip(noBrowser() !== null, noBrowser() ?? '')

const KEY = 'sk-lab-4f9a1c'

/** The key is shown once, stays while the port changes, and a taken port is told. */
async function ownUse(page: Page): Promise<void> {
  const card = page.getByRole('region', { name: 'Own use' })
  await card.getByRole('button', { name: 'Make a new key' }).click()
  await expect(card.getByText(/^sk-own-/)).toBeVisible()
  await card.getByLabel('Port').fill('1500')
  await card.getByRole('button', { name: 'Use this port' }).click()
  await expect(card.getByRole('alert')).toContainText('port 1500 of 127.0.0.1 is taken')
  await expect(card.getByText(/^sk-own-/)).toBeVisible()
  await expectAccessible(page, 'own use with its key')
  await goTo(page, 'home')
  await goTo(page, 'settings')
  await expect(card.getByRole('button', { name: 'Make a new key' })).toBeVisible()
  await expect(page.getByText(/sk-own-/)).toHaveCount(0)
}

/**
 * What is really offered and why, said once; what a pause leaves to be finished; a hand-back that was called off is not
 * told as done.
 */
async function selling(page: Page, endJobs: () => void): Promise<void> {
  const ask = page.getByRole('region', { name: 'My ask' })
  await expect(
    ask.getByText('3 of 4 slots offered. With 4 at once each stream gets 9.4 tokens/s and the grade asks 10.', {
      exact: true,
    }),
  ).toBeVisible()
  await page.getByRole('button', { name: 'Pause', exact: true }).click()
  await expect(
    ask.getByText(/^2 accepted jobs are still being finished, until \d\d:\d\d:\d\d at most\.$/),
  ).toBeVisible()
  await expect(page.locator('h1')).toContainText('0.41 practice credits per million tokens')
  await expect(ask.getByRole('button', { name: 'List', exact: true })).toBeVisible()
  await expectAccessible(page, 'a paused listing')
  await page.getByRole('button', { name: 'Resume', exact: true }).click()
  await goTo(page, 'models')
  await page.getByRole('button', { name: 'I need my machine' }).click()
  const dialog = page.getByRole('dialog', { name: 'Take the machine back' })
  await dialog.getByRole('radio', { name: /^After the running jobs/ }).check()
  await dialog.getByRole('button', { name: 'Finish, then take it' }).click()
  await expect(dialog.getByText('The running ones are being finished')).toBeVisible()
  await page.keyboard.press('Escape')
  await goTo(page, 'market')
  await page.getByRole('button', { name: 'Resume', exact: true }).click()
  await expect(page.getByText('Not given back: serving went on meanwhile.')).toBeVisible()
  await page.getByRole('button', { name: 'Pause', exact: true }).click()
  endJobs()
  await expect(ask.getByText('still being finished')).toHaveCount(0)
  await page.getByRole('button', { name: 'Resume', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Pause', exact: true })).toBeVisible()
}

test('deployments here and elsewhere, a measurement, a server connected, the machine taken back, and own use', async ({
  page,
}) => {
  const jobs = new AbortController()
  const server = await startFakeServer({ scenario: 'several', jobsDone: jobs.signal })
  try {
    await openPage(page, server.url, 'market')
    await selling(page, () => jobs.abort())
    await goTo(page, 'models')
    await expect(page.locator('h1')).toContainText('2 models are ready')
    const away = page.getByRole('region', { name: /^llama-3.3-70b-instruct on gpu1.lab:8000 and gpu2.lab:8000, 16/ })
    await expect(away.getByText('reachable', { exact: true })).toBeVisible()
    await expect(away.getByText('unreachable', { exact: true })).toBeVisible()
    await expect(away.getByText('not measured yet'), 'sixteen streams at once were never seen').toBeVisible()
    const here = page.getByRole('region', { name: /^Stoker nano, 4/ })
    await expect(here.getByText('pid 4711')).toBeVisible()
    await expect(here.getByText('442 tok/s in all')).toBeVisible()
    await here.getByLabel('When idle').selectOption({ label: 'unload after 15 min' })
    await expect(here.getByLabel('When idle')).toHaveValue('900000')
    await page.getByRole('button', { name: 'Load with one slot of 4,096 tokens instead' }).click()
    await expect(page.getByText('Stoker nano is loaded.')).toBeVisible()

    await page.getByRole('button', { name: 'Measure this machine with Stoker nano' }).click()
    await expect(page.getByRole('progressbar', { name: 'measuring Stoker nano' })).toBeVisible()
    const file = page.getByRole('region', { name: 'Stoker nano', exact: true })
    await file.getByText('Measured here: 2 processes, 14 threads is best').click()
    await expect(file.getByRole('row', { name: /^2 × 14 .* best$/ })).toBeVisible()

    const connect = page.getByRole('form', { name: 'Connect a server' })
    await connect.getByLabel('Address').fill('http://nowhere:1')
    await connect.getByRole('button', { name: 'Look for models' }).click()
    await expect(connect.getByRole('alert')).toContainText('http://nowhere:1 does not answer')
    await connect.getByLabel('Address').fill('http://gpu3.lab:8000')
    await connect.getByLabel('Key').fill(KEY)
    await connect.getByLabel('Key').press('Enter')
    await connect.getByLabel('Model').selectOption('llama-3.3-70b-instruct')
    await expect(connect.getByLabel('Context')).toHaveValue('8192')
    await expectAccessible(page, 'models, measured and about to connect')
    await page.setViewportSize({ width: 360, height: 800 })
    await expectNoOverflow(page, 'models on a phone')
    const faster = here
      .getByRole('button', { name: 'Load with 2 processes on a GPU each, 14 threads, prompt batches of 512' })
      .locator('.mantine-Button-label')
    expect(
      await faster.evaluate((label) => label.scrollWidth - label.clientWidth),
      'words cut off a button',
    ).toBeLessThanOrEqual(0)
    await connect.getByRole('button', { name: 'Connect' }).click()
    await expect(page.getByText('http://gpu3.lab:8000')).toBeVisible()
    await expect(connect.getByLabel('Key')).toHaveValue('')

    await page.getByRole('button', { name: 'I need my machine' }).click()
    const dialog = page.getByRole('dialog', { name: 'Take the machine back' })
    await expect(dialog.getByRole('radio', { name: /^Now/ })).toBeChecked()
    await expectAccessible(page, 'taking the machine back')
    await dialog.getByRole('button', { name: 'Take it now' }).click()
    await expect(
      dialog.getByText(
        'Ended in the middle: one job. Its buyer pays nothing; 63 tokens delivered, 0.00002460 practice credits not earned.',
      ),
    ).toBeVisible()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await expect(page.getByRole('button', { name: 'I need my machine' })).toHaveCount(0)
    await expect(page.locator('h1')).toContainText('none is loaded')
    await goTo(page, 'settings')
    await ownUse(page)
  } finally {
    await server.close()
  }
})
