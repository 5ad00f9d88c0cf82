/** Remote endpoints over TLS: a certificate that this machine trusts is taken, another one is not. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

import { describe, expect, it, onTestFinished } from 'vitest'

import { engineOver, FILE, SETTINGS, start } from './remote-support.ts'
import { ask, run } from '../engine-support.ts'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

/** A fresh key and a certificate that nobody signed, for 127.0.0.1. */
function pair(): { cert: string; key: string } {
  const dir = mkdtempSync(join(tmpdir(), 'stoker-tls-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '1',
      '-keyout',
      key,
      '-out',
      cert,
      ...subject,
    ],
    {
      stdio: 'ignore',
    },
  )
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

describe.skipIf(!hasOpenssl)('https (skipped where there is no openssl program)', () => {
  it('serves over a certificate that is trusted, and sends no key over one that is not', async () => {
    const tls = pair()
    const server = await start(undefined, tls)
    await expect(engineOver([{ url: server.url, key: 'sk-secret' }]).load(FILE, SETTINGS)).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringContaining('SELF_SIGNED_CERT') as string,
    })
    expect(server.listed).toBe(0)
    const before = getCACertificates('default')
    onTestFinished(() => setDefaultCACertificates(before))
    setDefaultCACertificates([...before, tls.cert])
    const engine = engineOver([{ url: server.url, key: 'sk-secret' }])
    await engine.load(FILE, SETTINGS)
    expect((await run(engine, ask('hi'))).text).toBe('Hello')
    expect(server.calls[0]?.headers.authorization).toBe('Bearer sk-secret')
  })
})
