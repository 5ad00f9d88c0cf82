import type { Hardware } from '#contract/app.ts'

import { memory } from './format.ts'

/** The machine as it was found. */
export function HardwareFacts({ hardware }: { hardware: Hardware }) {
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
        {hardware.gpus.length === 0
          ? 'none found; models run on the processor'
          : hardware.gpus
              .map(
                (gpu) =>
                  `${gpu.name}${gpu.memoryBytes === null ? '' : `, ${gpu.memoryFreeBytes === null ? '' : `${memory(gpu.memoryFreeBytes)} free of `}${memory(gpu.memoryBytes)}`}`,
              )
              .join('; ')}
      </dd>
    </dl>
  )
}
