/** English: GPUs, what disagrees about them, and what befell them. */
import type { deviceReasons } from '#contract/reasons/device-reasons.ts'

const SOURCE =
  '{source, select, nvml {NVIDIA’s driver} amdgpu {AMD’s driver} intel {Intel’s driver} windows {Windows} other {the driver}}'
/** At the beginning of a sentence. */
const SOURCE_FIRST = SOURCE.replace('{the driver}', '{The driver}')

export const deviceWords: Record<keyof typeof deviceReasons, string> = {
  'device.engineOnly':
    'The engine sees it, and no driver says anything of it: heat, power and who else uses it are not known.',
  'device.driverOnly':
    'Its driver says that it is there, and the engine does not see it: no model runs on it. Look at variables like CUDA_VISIBLE_DEVICES, and at the driver’s version.',
  'device.systemOnly':
    'The system lists it; neither its driver nor the engine says anything of it, so that no model runs on it.',
  'device.totalDiffers':
    'The engine sees {engineGib, number, ::.0} GiB of memory and the driver says {driverGib, number, ::.0} GiB; what is loaded goes by the engine’s figure.',
  'device.freeDiffers':
    'The engine sees {engineGib, number, ::.0} GiB free and the driver says {driverGib, number, ::.0} GiB; what is loaded goes by the engine’s figure.',
  'device.sharesMemory': 'It has no memory of its own: what it holds is main memory.',
  'device.tight':
    'Only {mib, number} MiB of it were free at the worst moment while it served: what comes on top fails, or goes into main memory, where it is many times slower. Use fewer slots or a shorter context.',
  'device.unread':
    '{figure, select, memory {Its memory} temperature {Its temperature} power {Its power} limit {Its power limit} processes {Who uses it} other {A figure of it}} is not shown: {problem}.',
  'device.source': `${SOURCE_FIRST}: {problem}.`,
  'device.tooMany': 'More than {max} devices are said to be there; the first {max} are shown.',
  'device.engineUnasked':
    'The engine has not been asked yet which GPUs it sees: that takes memory of a card, and waits until nothing is served and there is room.',
  'device.engineSilent': 'The engine could not be asked which GPUs it sees: {problem}',
  'device.engineNone': 'The engine sees no GPU here; models run on the processor.',
  'device.variables': 'Variables say which GPUs may be used ({names}); perhaps they name none that is there.',
  'device.engineNonsense':
    'The engine says {freeGib, number, ::.0} GiB free of {totalGib, number, ::.0} GiB, which cannot be; its figure is not used.',
  'device.added': '{name} is there now.',
  'device.gone': '{name} is gone: its driver does not list it any more.',
  'device.hot':
    '{name} is at {celsius, number} °C, at or above {limit, number} °C: it will soon be slower, and so is what you sell on it.',
  'device.cooled': '{name} has cooled to {celsius, number} °C.',
  'device.foreign': 'Another program ({program}) works on {name} and holds {gib, number, ::.0} GiB of its memory.',
  'device.foreignEnded': 'No other program works on {name} any more.',
  'device.driverLost': `${SOURCE_FIRST} does not answer any more: {problem}.`,
  'device.driverBack': `${SOURCE_FIRST} answers again.`,
  'device.driverRestarted': `${SOURCE_FIRST} was restarted; what ran on its cards then was lost.`,
  'exam.spilled':
    'Its result does not stand: {mib, number} MiB of the model lay in main memory meanwhile, where it is many times slower. Close what else uses the GPU, then take it again.',
  'sensor.noPermission': 'this user may not read it',
  'sensor.driverGone': 'the driver is not loaded',
  'sensor.notInitialised': 'the driver’s library is not open',
  'sensor.deviceGone': 'a card fell off the bus, or needs a restart of the machine',
  'sensor.driverChanged': 'the driver was updated; restart the machine',
  'sensor.notSupported': 'this card or driver does not say it',
  'sensor.nonsense': 'the driver gives a figure that cannot be',
  'sensor.failed': 'the driver answers with an error',
  'sensor.silent': 'the driver did not answer in time, and was left alone',
}
