/** keepalived's VRRP child: the process that speaks the protocol, holds the addresses and runs the scripts. */
import type { Machine, PracticeProcess, SignalName } from '../../machine/machine.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import type { InstanceSettings, NotifyScripts, NotifyState, Settings } from '../config/settings.ts'
import type { Instance } from '../vrrp/instance-parts.ts'
import { createInstance } from '../vrrp/instance.ts'
import { decodeDatagram, multicastGroup } from '../vrrp/packet.ts'
import { joinSyncGroup, type SyncGroup } from '../vrrp/sync-group.ts'
import type { DaemonLog } from './daemon-log.ts'
import { dumpData } from './dump-data.ts'
import { dumpJson } from './dump-json.ts'
import { dumpStats } from './dump-stats.ts'
import { createEventLoop } from './event-loop.ts'
import { runScript } from './run-script.ts'
import { startTrackers, type Trackers } from './trackers.ts'
import { jsonSignal, statsClearSignal } from './signals.ts'
import { removePidFile, writeDump } from './own-files.ts'

interface VrrpProcessParts {
  machine: Machine
  argv: readonly string[]
  environment: Readonly<Record<string, string>>
  parentPid: number
  pidFile: string
  load(): LoadedConfig
  log(pid: number): DaemonLog
  ended(end: { code: number | null; signal: SignalName | null }): void
}

export interface VrrpProcess {
  readonly process: PracticeProcess
  /** its parent was killed: the kernel sends it SIGTERM, unless it is being killed as well */
  orphaned(): void
}

/** exit code for a configuration that it cannot run with */
export const permanentConfigError = 3
/** after a clean stop the process lingers, so that its last adverts get out */
const lingerMs = 1000
/** `killall -9` reaches both processes within this time */
const parentDeathMs = 5

export function startVrrpProcess(parts: VrrpProcessParts): VrrpProcess {
  const { machine } = parts
  const { network } = machine
  let instances: Instance[] = []
  let groups: SyncGroup[] = []
  let settings: Settings | null = null
  let trackers: Trackers | null = null
  let isStopping = false
  let stopListening = (): void => undefined
  const process = machine.processes.spawn({
    argv: parts.argv,
    exe: '/usr/sbin/keepalived',
    parentPid: parts.parentPid,
    environment: parts.environment,
    onSignal: (signal) => loop.post(() => onSignal(signal)),
    onExit(end) {
      stopListening()
      trackers?.stop()
      for (const instance of instances) instance.stop(false)
      parts.ended(end)
    },
  })
  const loop = createEventLoop(machine.clock, () => process)
  const log = parts.log(process.pid)

  function instanceFor(one: InstanceSettings): Instance {
    return createInstance(one, {
      now: () => machine.clock.now(),
      after: loop.after,
      log,
      sourceAddress: () => one.unicastSource ?? network.addresses()[0]?.address ?? '0.0.0.0',
      transmit: (datagram) => network.sendToSegment(datagram, network.addresses()[0]?.address ?? '0.0.0.0'),
      setAddresses: (held) => (held ? addAddresses(one) : removeAddresses(one)),
      announce() {
        for (const { address } of [...one.addresses, ...one.excluded]) network.announce(address)
      },
      notify: (state, priority) => notify(one.notify, 'INSTANCE', one.name, state, priority),
    })
  }
  const holds = (address: string): boolean => network.addresses().some((held) => held.address === address)
  function addAddresses({ addresses, excluded }: InstanceSettings): void {
    for (const { address, prefixLength } of [...addresses, ...excluded]) {
      if (!holds(address)) network.addAddress({ address, prefixLength: prefixLength ?? 32 })
    }
  }
  function removeAddresses({ addresses, excluded }: Pick<InstanceSettings, 'addresses' | 'excluded'>): void {
    for (const { address } of [...addresses, ...excluded]) {
      if (holds(address) && network.addresses()[0]?.address !== address) network.removeAddress(address)
    }
  }
  function notify(
    scripts: NotifyScripts,
    type: 'INSTANCE' | 'GROUP',
    name: string,
    state: NotifyState,
    priority: number,
  ): void {
    const own = scripts[state]
    if (own !== undefined) void runScript(machine, own)
    if (scripts.any !== undefined) void runScript(machine, [...scripts.any, type, name, state, String(priority)])
  }

  /** False: it cannot run with this configuration, and has ended. */
  function configure(loaded: LoadedConfig): boolean {
    for (const { pass, text } of loaded.messages) if (pass === 'vrrp') log(text)
    if (loaded.isFatal) {
      log('Stopped')
      removePidFile(machine, parts.pidFile)
      process.exit(permanentConfigError)
      return false
    }
    settings = loaded.settings
    instances = settings.instances.map(instanceFor)
    groups = settings.groups.map((group) =>
      joinSyncGroup(group, instances, { log, notify: (state) => notify(group.notify, 'GROUP', group.name, state, 0) }),
    )
    return true
  }
  function listen(): void {
    stopListening = network.onSegment((packet) => loop.post(() => receive(packet)))
  }
  function receive(packet: Buffer): void {
    const datagram = decodeDatagram(packet)
    if (datagram === null) return
    const isMulticast = datagram.destination === multicastGroup
    if (!isMulticast && !holds(datagram.destination)) return
    const instance = instances.find(({ settings: own }) => own.vrid === datagram.payload[1] && !own.ipv6)
    if (instance === undefined) return
    const isUnicast = instance.settings.unicastPeers.length > 0
    if (isMulticast === isUnicast) {
      log(
        `(${instance.settings.name}) discarding ${isMulticast ? 'mult' : 'un'}icast packet on ${isUnicast ? 'un' : 'mult'}icast instance`,
      )
    } else instance.receive(datagram)
  }

  function reload(): void {
    const before = { instances, status: trackers?.status ?? null }
    log('Reloading')
    trackers?.stop()
    for (const instance of instances) instance.stop(false)
    instances = []
    if (!configure(parts.load()) || settings === null) return
    const kept = new Map(before.instances.map((instance) => [instance.settings.name, instance]))
    trackers = startTrackers({ machine, loop, log, settings, instances, before: before.status })
    for (const instance of before.instances) {
      if (!instances.some(({ settings: { name } }) => name === instance.settings.name)) instance.stop(true)
    }
    for (const instance of instances) {
      const old = kept.get(instance.settings.name)
      if (old === undefined) instance.start()
      else {
        removeAddresses(withoutCurrent(old.settings, instance.settings, log))
        instance.resume(old)
      }
    }
  }

  function stop(): void {
    if (isStopping) return
    isStopping = true
    stopListening()
    trackers?.stop()
    for (const instance of instances) instance.stop(true)
    for (const { settings: group } of groups) notify(group.notify, 'GROUP', group.name, 'STOP', 0)
    removePidFile(machine, parts.pidFile)
    loop.after(lingerMs, () => {
      log('Stopped')
      process.exit(0)
    })
  }

  function onSignal(signal: SignalName): void {
    const say = (what: string): void => log(`Printing VRRP ${what} for process(${process.pid}) on signal`)
    const write = (name: string, text: string): void => writeDump(machine, parts.environment, name, text)
    if (signal === 'TERM' || signal === 'INT') stop()
    else if (isStopping || settings === null || trackers === null) return
    else if (signal === 'HUP') reload()
    else if (signal === 'USR1') {
      say('data')
      write('keepalived.data', dumpData({ machine, settings, instances, groups, status: trackers.status }))
    } else if (signal === 'USR2') {
      say('stats')
      write('keepalived.stats', dumpStats(instances))
    } else if (signal === jsonSignal) {
      say('as json')
      write('keepalived.json', dumpJson(settings, instances))
    } else if (signal === statsClearSignal) for (const instance of instances) instance.clearCounters()
  }

  // Its parent knows the process before it can end.
  loop.after(0, () => {
    machine.files.write(parts.pidFile, `${process.pid}\n`)
    if (!configure(parts.load()) || settings === null) return
    trackers = startTrackers({ machine, loop, log, settings, instances, before: null })
    for (const instance of instances) instance.start()
    listen()
  })
  return { process, orphaned: () => void machine.clock.after(parentDeathMs, () => loop.post(stop)) }
}

/** The addresses that the configuration no longer has. */
function withoutCurrent(
  old: InstanceSettings,
  current: InstanceSettings,
  log: DaemonLog,
): Pick<InstanceSettings, 'addresses' | 'excluded'> {
  const kept = new Set([...current.addresses, ...current.excluded].map(({ address }) => address))
  const gone = [...old.addresses, ...old.excluded].filter(({ address }) => !kept.has(address))
  for (const address of gone) {
    log(`(${old.name}) ip address ${address.address}/${address.prefixLength ?? 32} dev ${address.device}, no longer exist`)
  }
  return { addresses: gone, excluded: [] }
}
