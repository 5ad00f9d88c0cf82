/** GPUs of the Fake core: one well understood, and two of different size about which not everybody agrees. */
import type { Hardware, HardwareDevice, RigEventView } from '#contract/app.ts'
import { because } from '#contract/reasons.ts'

const GIB = 2 ** 30
const gib = (n: number): number => Math.round(n * GIB)

const rtx4070 = (now: number): HardwareDevice => ({
  id: 'GPU-4070',
  name: 'NVIDIA GeForce RTX 4070',
  engine: {
    backend: 'CUDA',
    integrated: false,
    memory: { totalBytes: gib(11.8), freeBytes: gib(2.7) },
    at: now - 240_000,
  },
  driver: {
    source: 'nvml',
    memory: { totalBytes: gib(12), usedBytes: gib(9.1), freeBytes: gib(2.9) },
    at: now - 2_000,
  },
  shared: null,
  users: [
    { pid: 48_113, name: 'node', bytes: gib(8.4), sharedBytes: null, ours: true },
    { pid: 2_214, name: 'Xorg', bytes: gib(0.3), sharedBytes: null, ours: false },
  ],
  temperatureC: 64,
  watts: 142.6,
  limitWatts: 200,
  leastFreeBytes: gib(2.1),
  notes: [],
})

const radeon = (now: number): HardwareDevice => ({
  id: 'amdgpu 0000:0a:00.0',
  name: 'AMD Radeon RX 7900 XTX',
  engine: {
    backend: 'Vulkan',
    integrated: false,
    memory: { totalBytes: gib(24), freeBytes: gib(22.5) },
    at: now - 20_000,
  },
  driver: {
    source: 'amdgpu',
    memory: { totalBytes: gib(24), usedBytes: gib(11.2), freeBytes: gib(12.8) },
    at: now - 2_000,
  },
  shared: { usedBytes: gib(0.6), totalBytes: gib(15.6) },
  users: [
    { pid: 48_120, name: 'node', bytes: gib(1.4), sharedBytes: gib(0.1), ours: true },
    { pid: 7_731, name: 'factorio', bytes: gib(7.9), sharedBytes: gib(0.4), ours: false },
    { pid: 9_002, name: '', bytes: null, sharedBytes: null, ours: false },
  ],
  temperatureC: 89,
  watts: null,
  limitWatts: 339,
  leastFreeBytes: null,
  notes: [
    because('device.freeDiffers', { engineGib: 22.5, driverGib: 12.8 }),
    because('device.unread', { figure: 'power', problem: because('sensor.noPermission') }),
  ],
})

export const onOneGpu = (hardware: Omit<Hardware, 'devices' | 'notes'>, now: number): Hardware => ({
  ...hardware,
  devices: [rtx4070(now)],
  notes: [],
})

export const onGpus = (hardware: Hardware, now: number): Hardware => ({
  ...hardware,
  gpus: [...hardware.gpus, { name: 'RX 7900 XTX', memoryBytes: gib(24), memoryFreeBytes: gib(12.8) }],
  devices: [rtx4070(now), radeon(now)],
  notes: [because('device.source', { source: 'nvml', problem: because('sensor.deviceGone') })],
})

export const gpuEvents = (now: number): RigEventView[] => [
  {
    at: now - 600_000,
    what: 'device.hot',
    subject: 'amdgpu 0000:0a:00.0',
    reason: because('device.hot', { name: 'AMD Radeon RX 7900 XTX', celsius: 89, limit: 88 }),
  },
  {
    at: now - 4_200_000,
    what: 'device.foreign',
    subject: 'amdgpu 0000:0a:00.0',
    reason: because('device.foreign', { name: 'AMD Radeon RX 7900 XTX', program: 'factorio', gib: 7.9 }),
  },
  {
    at: now - 30_000_000,
    what: 'device.driverRestarted',
    subject: 'nvml',
    reason: because('device.driverRestarted', { source: 'nvml' }),
  },
]
