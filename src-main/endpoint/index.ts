/**
 * The owner's own use over HTTP: an OpenAI-compatible endpoint on 127.0.0.1 in front of the engines. It knows no ledger
 * and no exchange.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Clock } from '#contract/time.ts'
import type { EndpointPort } from '#core/own-use/own-use.port.ts'
import type { IdSource } from '#lib/id-source.ts'
import type { Log } from '#lib/log.ts'
import { errorBody } from '#lib/openai-error.ts'

import { apiErrorOf } from './endpoint-errors.ts'
import { admit, HOST, listen } from './listen.ts'
import { sendJson } from './send-json.ts'
import { route } from './routes.ts'
import { createOpenAnswers } from './open-answers.ts'

export function createEndpoint({ clock, ids, log }: { clock: Clock; ids: IdSource; log: Log }): EndpointPort {
  return {
    async open({ port: wanted, accepts, service }) {
      const openAnswers = createOpenAnswers(clock, log)
      const deps = { service, ids, openAnswers, clock }
      const fail = (response: ServerResponse, error: unknown): void => {
        const failure = apiErrorOf(error)
        if (failure.status === 500) log.error({ err: error }, 'a request of own use failed')
        if (!response.headersSent) sendJson(response, failure.status, errorBody(failure))
        else response.destroy()
      }
      const handle = (request: IncomingMessage, response: ServerResponse): void => {
        response.on('error', () => response.destroy())
        try {
          admit(request, accepts)
        } catch (error) {
          fail(response, error)
          return
        }
        route(deps, request, response).catch((error: unknown) => fail(response, error))
      }
      const { server, port } = await listen(wanted, handle)
      server.on('error', (error) => log.error({ err: error }, 'the listener of own use failed'))
      return {
        url: `http://${HOST}:${port}/v1`,
        async close() {
          const closed = new Promise<void>((resolve) => server.close(() => resolve()))
          // Closes running answers too: their jobs are cancelled as when any client disconnects.
          server.closeAllConnections()
          await closed
          openAnswers.stop()
        },
      }
    },
  }
}
