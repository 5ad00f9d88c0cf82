import type { Hardware } from '#contract/app.ts'

import { memory } from './format.ts'

/** As engine and drivers see them; before anybody has asked those, as the system lists them. */
export const gpusOf = ({ devices, gpus }: Hardware): Hardware['gpus'] =>
  devices.length === 0
    ? gpus
    : devices.map(({ name, driver, engine }) => {
        const seen = driver?.memory ?? engine?.memory ?? null
        return { name, memoryBytes: seen?.totalBytes ?? null, memoryFreeBytes: seen?.freeBytes ?? null }
      })

/** The machine as it was found. */
export function HardwareFacts({ hardware }: { hardware: Hardware }) {
  const gpus = gpusOf(hardware)
  return (
    <dl className="facts">
      <dt>Machine</dt>
      <dd>
        {hardware.hostname}, {hardware.os}
      </dd>
      <dt>Processor</dt>
      <dd>
        {hardware.cpu}, {hardware.cores} cores
      </dd>
      <dt>Memory</dt>
      <dd>
        {memory(hardware.memoryFreeBytes)} free of {memory(hardware.memoryBytes)}
      </dd>
      <dt>GPU</dt>
      <dd>
        {gpus.length === 0
          ? 'none found; models run on the processor'
          : gpus
              .map(
                (gpu) =>
                  `${gpu.name}${gpu.memoryBytes === null ? '' : `, ${gpu.memoryFreeBytes === null ? '' : `${memory(gpu.memoryFreeBytes)} free of `}${memory(gpu.memoryBytes)}`}`,
              )
              .join('; ')}
      </dd>
    </dl>
  )
}
