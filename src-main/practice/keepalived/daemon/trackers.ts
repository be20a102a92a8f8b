/**
 * What priorities hang on: scripts, files, processes and the interface. Each tells the instances that track it what it contributes: a weight,
 * or, with weight 0, a fault.
 */
import type { Machine } from '../../machine/machine.ts'
import type { Settings, TrackReference } from '../config/settings.ts'
import type { Contribution, Instance } from '../vrrp/instance-parts.ts'
import type { DaemonLog } from './daemon-log.ts'
import type { EventLoop } from './event-loop.ts'
import { watchScript, type ScriptStatus } from './track-script.ts'

export interface TrackerStatus {
  scripts: ReadonlyMap<string, ScriptStatus>
  /** the number in each file */
  files: ReadonlyMap<string, number>
  /** how many processes there are */
  processes: ReadonlyMap<string, number>
  linkUp: boolean
}

export interface Trackers {
  readonly status: TrackerStatus
  stop(): void
}

interface TrackerParts {
  machine: Machine
  loop: EventLoop
  log: DaemonLog
  settings: Settings
  instances: readonly Instance[]
  /** scripts keep their verdict over a reload */
  before: TrackerStatus | null
}

/** netlink and the process connector tell keepalived at once; here they are looked at this often */
const lookEveryMs = 50

export function startTrackers(parts: TrackerParts): Trackers {
  const { machine, loop, log, settings, instances } = parts
  const scripts = new Map<string, ScriptStatus>()
  const files = new Map<string, number>()
  const processes = new Map<string, number>()
  const status = { scripts, files, processes, linkUp: machine.network.linkUp }
  const ends: (() => void)[] = []

  /** Tells every instance that tracks `name`. */
  const tell = (
    kind: TrackReference['kind'],
    name: string,
    contribute: (track: TrackReference, instance: Instance) => Contribution | null,
  ): void => {
    for (const instance of instances) {
      const track = instance.settings.tracks.find((each) => each.kind === kind && each.name === name)
      if (track !== undefined) instance.track(`${kind} ${name}`, contribute(track, instance))
    }
  }

  for (const script of settings.scripts) {
    const known = parts.before?.scripts.get(script.name) ?? null
    const watch = watchScript({ script, machine, loop, log, known }, (isGood) => {
      tell('script', script.name, (track) =>
        isGood === null && track.weight !== 0 ? { weight: 0, fails: false } : isGood === null ? null : judge(track, isGood),
      )
    })
    scripts.set(script.name, watch.status)
    ends.push(watch.stop)
  }
  for (const file of settings.files) {
    const look = (): void => {
      const value = numberIn(machine, file.path)
      if (files.get(file.name) === value) return
      files.set(file.name, value)
      tell('file', file.name, (track, instance) => {
        const contribution = judgeValue(track, value)
        sayFileFault(log, instance, file.name, contribution.fails)
        return contribution
      })
    }
    if (file.init !== null && (file.init.overwrite || !machine.files.exists(file.path))) {
      machine.files.write(file.path, `${file.init.value}\n`)
    }
    look()
    ends.push(machine.files.watch(file.path, () => loop.post(look)))
  }
  for (const tracked of settings.processes) {
    const look = (): void => {
      const count = machine.processes.list().filter(({ argv, name }) => runs(tracked.command, argv, name)).length
      if (processes.get(tracked.name) === count) return
      const hadQuorum = (processes.get(tracked.name) ?? -1) >= tracked.quorum
      const isFirst = !processes.has(tracked.name)
      processes.set(tracked.name, count)
      const hasQuorum = count >= tracked.quorum
      if (!isFirst && hadQuorum === hasQuorum) return
      if (!isFirst) log(`Quorum ${hasQuorum ? 'gained' : 'lost'} for tracked process ${tracked.name}`)
      tell('process', tracked.name, (track) => judge(track, hasQuorum))
    }
    look()
    ends.push(repeat(loop, lookEveryMs, look))
  }
  const interfaceName = machine.network.interfaceName
  const applyLink = (): void => {
    for (const instance of instances) {
      if (instance.settings.interface === interfaceName) instance.track('own interface', { weight: 0, fails: !status.linkUp })
    }
    tell('interface', interfaceName, (track) => judge(track, status.linkUp))
  }
  tell('interface', 'lo', (track) => judge(track, true))
  applyLink()
  ends.push(
    repeat(loop, lookEveryMs, () => {
      if (status.linkUp === machine.network.linkUp) return
      status.linkUp = machine.network.linkUp
      log(`Netlink reports ${interfaceName} ${status.linkUp ? 'up' : 'down'}`)
      applyLink()
    }),
  )
  return {
    status,
    stop() {
      for (const end of ends) end()
    },
  }
}

function repeat(loop: EventLoop, ms: number, work: () => void): () => void {
  let cancel = loop.after(ms, again)
  function again(): void {
    cancel = loop.after(ms, again)
    work()
  }
  return () => cancel()
}

/** A positive weight is added while all is well, a negative one while it is not; `reverse` turns the sign. */
function judge({ weight, reverse }: TrackReference, isGood: boolean): Contribution {
  if (weight === 0) return { weight: 0, fails: isGood === reverse }
  const applies = weight > 0 === isGood
  return { weight: applies ? (reverse ? -weight : weight) : 0, fails: false }
}

/** A file's number is multiplied; -254 or less is a fault, and so is anything but 0 with weight 0. */
function judgeValue({ weight, reverse }: TrackReference, value: number): Contribution {
  if (weight === 0) return { weight: 0, fails: (value !== 0) !== reverse }
  const total = value * weight * (reverse ? -1 : 1)
  return { weight: Math.min(254, Math.max(-254, total)), fails: total <= -254 }
}

function sayFileFault(log: DaemonLog, instance: Instance, file: string, fails: boolean): void {
  if (instance.state === 'INIT' || fails === (instance.state === 'FAULT')) return
  log(`(${instance.settings.name}): tracked file ${file} ${fails ? 'now' : 'leaving'} FAULT state`)
}

/** strtol(3) of the first word, in any base; 0 for a file that is missing, empty or holds something else. */
function numberIn({ files }: Machine, path: string): number {
  try {
    const [, sign = '', digits = '0'] = /^\s*([+-]?)(0[xX][0-9a-fA-F]+|\d+)/.exec(files.read(path).toString('utf8')) ?? []
    const number = /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits)
    return sign === '-' ? -number : number
  } catch {
    return 0
  }
}

function runs(command: readonly string[], argv: readonly string[], name: string): boolean {
  const [program = '', ...parameters] = command
  const base = program.slice(program.lastIndexOf('/') + 1)
  if (name !== base.slice(0, 15) || (program.includes('/') && argv[0] !== program)) return false
  return parameters.every((parameter, index) => argv[index + 1] === parameter)
}
