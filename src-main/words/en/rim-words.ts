/** English: the command line, the console server and what surrounds the core. */
import type { rimFailures } from '#contract/reasons/rim-failures.ts'

export const rimWords: Record<keyof typeof rimFailures, string> = {
  'upload.tooLarge':
    'This file is larger than the {mib} MiB that may be stored here; free some disk, or import it by path instead of uploading it.',
  'upload.sameName': 'There are already {max} uploads named {name}; remove some.',
  'upload.brokeOff': 'The upload broke off before its end; nothing was kept.',
  'upload.noBody': 'Send the file as the body of the request.',
  'upload.full': 'Two uploads are running already; wait for one to end.',
  'core.ended': 'the core ended',
  'exchangeHost.stopped': 'stopped before the exchange host came up',
  'exchangeHost.failed': 'the exchange host did not come up: {why}',
  'exchangeHost.busy': 'the practice exchange is not ready yet: {text}',
  'exchangeHost.again': 'the practice exchange ended ({why}); it is started again',
  'exchangeHost.moved':
    'The practice exchange listens on port {port} now: port {before}, where it was, is taken by another program. Buyers need the new address; --exchange-port keeps one.',
  'exchangeHost.seeWhy': 'run `npm run -s stoker -- exchange{atData}` alone to see why',
  'console.cannotListen':
    'cannot listen on {host} port {port} ({error}); choose another with --port, or --port 0 for any',
  'console.tlsPair': 'give both --tls-cert and --tls-key, or neither',
  'console.tlsUnreadable': 'cannot read the TLS files ({error}); check --tls-cert and --tls-key',
  'console.insecureListen':
    '{host} can be reached by other machines: give --tls-cert and --tls-key, or --insecure-listen to send everything readable over the network',
  'console.loginLate': 'the login did not arrive in time',
  'console.tokenMissing':
    '{path} does not exist; start this data folder once with: npm run -s stoker -- serve --data {dir}',
  'audit.noFolder': 'there is no folder {dir}; name the data folder of a Stoker with --data',
  'audit.noBooks': 'there are no books in {dir}; name a folder in which Stoker has run with --data',
  'audit.noSeller': 'no seller has run in {dir}; name its data folder with --data',
  'exchangeAdmin.noAnswer': 'no exchange answers on {dir}; start one with: npm run -s stoker -- serve --data {dir}',
  'exchangeAdmin.http': 'the exchange at {url} answered HTTP {status}: {body}',
  'exchangeAdmin.noExchange': 'there is no exchange in {dir}; start one with: npm run -s stoker -- serve --data {dir}',
  'demo.noVenue': 'this rig sells on no venue',
  'demo.waited':
    'the demo waited {seconds} s for {what}; the machine may be very busy, or run again with STOKER_LOG=info to see why',
  'demo.noModel': 'the import of {path} ended without a model',
  'demo.itemLate':
    'exam item {item} missed its deadline, so this run cannot be repeated; try again on a quieter machine',
  'demo.examEnded': 'the exam ended "{state}", so nothing can be listed; another --seed asks other questions',
  'demo.http': 'the exchange answered HTTP {status}: {body}',
  'demo.answerEnded': 'the exchange ended the answer: {reason}',
  'demo.noBill': 'the exchange ended the answer without saying what it bills',
  'demo.callsLate':
    '{calls} calls missed their deadline or had to be sent again, so this run cannot be repeated; try again on a quieter machine',
  'demo.booksWrong': 'the books of {dir} do not hold; run: npm run -s stoker -- ledger check --data {dir}',
  'link.http': 'the console at {url} made no link (HTTP {status}); restart it',
  'cuda.noModules': 'there is no node_modules to add to; run npm install first',
  'cuda.nothing': 'there is nothing to add here: on this platform the install brings every build of the engine',
  'cuda.failed': 'CUDA could not be fetched: {why}',
  'verify.tooLarge': '{path} is larger than {max} bytes; that is no receipt and no transcript',
  'verify.unreadable': 'cannot read {path} ({error})',
  'verify.notJson': '{path} is not JSON',
  'owner.certificate':
    'the console at {url} answers with a certificate this machine does not trust ({error}); name it: NODE_EXTRA_CA_CERTS=<certificate file> stoker …',
  'owner.silent': 'the running Stoker gave no answer; try again in a moment',
  'owner.notRunning': 'no Stoker is running on {dir}; start it with: npm run -s stoker -- serve --data {dir}',
}
