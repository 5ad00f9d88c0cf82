/**
 * A real child for the supervisor's tests: ready at once, pulses every 20 ms, ends with its channel. `silent` says
 * nothing at all, `busy` works for three and a half seconds before it is ready, `newer` states that no start helps, `deaf` ends by a
 * kill only.
 */
const how = process.argv[2]
const say = (message: object): void => void process.send!(message, undefined, undefined, () => undefined)

function live(): void {
  say({ t: 'ready' })
  setInterval(() => say({ t: 'alive' }), 20)
}

if (how === 'newer') {
  process.stderr.write('written by a newer Stoker\n', () => process.exit(6))
} else if (how === 'silent') {
  setInterval(() => undefined, 1_000)
} else if (how === 'busy') {
  let done = 0
  const timer = setInterval(() => {
    say({ t: 'busy', task: 'migrating', text: `${(done += 1)} of 35` })
    if (done < 35) return
    clearInterval(timer)
    say({ t: 'busy', task: null, text: '' })
    live()
  }, 100)
} else live()

if (how === 'deaf') process.on('SIGTERM', () => undefined)
else process.once('disconnect', () => process.exit(0))
