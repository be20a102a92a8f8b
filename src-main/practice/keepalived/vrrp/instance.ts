/**
 * One VRRP instance as keepalived 2.2.7 runs it: RFC 3768 (version 2) and RFC 5798 (version 3) with its own decisions where the RFCs leave
 * room. Times are those of the host's clock; everything outward goes through the host.
 */
import type { InstanceSettings } from '../config/settings.ts'
import { checkAdvert, emptyCounters } from './check-advert.ts'
import type { Contribution, Instance, InstanceHost, SyncMembership, VrrpState } from './instance-parts.ts'
import { compareAddresses, encodeAdvert, multicastGroup, type Advert } from './packet.ts'

/** adverts missed before a master counts as gone */
const downTimerAdverts = 3
const owner = 255

export function createInstance(settings: InstanceSettings, host: InstanceHost): Instance {
  const { name, garp } = settings
  let state: VrrpState = 'INIT'
  let wantState: VrrpState = 'BACKUP'
  let masterPriority = 0
  let masterAdvertIntMs = settings.advertIntMs
  let masterDownMs = 0
  let lastTransition = 0
  let counters = emptyCounters()
  let preemptAt: number | null = null
  let group: SyncMembership | null = null
  let deadline: number | null = null
  let cancelTimer = (): void => undefined
  let cancelAnnouncements: (() => void)[] = []
  const tracked = new Map<string, Contribution | null>()
  const contributions = (): (Contribution | null)[] => [...tracked.values()]
  const faultCount = (): number => contributions().filter((each) => each?.fails === true).length
  const waitingFor = (): number => contributions().filter((each) => each === null).length
  const totalPriority = (): number => settings.priority + contributions().reduce((sum, each) => sum + (each?.weight ?? 0), 0)
  const effectivePriority = (): number => (settings.priority === owner ? owner : Math.min(254, Math.max(1, totalPriority())))
  const isFailed = (): boolean => faultCount() > 0 || group?.isHeldInFault() === true
  const isUndecided = (): boolean => waitingFor() > 0 || group?.isWaiting() === true
  let priority = effectivePriority()
  let hasStarted = false

  const say = (text: string, level?: 'detail'): void => host.log(`(${name}) ${text}`, level)
  // keepalived's version 2 skew is a part of one second, whatever the advert interval.
  const skewMs = (): number => ((256 - priority) * (settings.version === 2 ? 1000 : masterAdvertIntMs)) / 256
  const downIntervalMs = (): number => downTimerAdverts * masterAdvertIntMs + skewMs()

  function arm(ms: number, work: () => void): void {
    cancelTimer()
    deadline = host.now() + ms
    cancelTimer = host.after(ms, work)
  }
  function disarm(): void {
    cancelTimer()
    deadline = null
  }
  function awaitMaster(ms: number): void {
    masterDownMs = ms
    arm(ms, onSilence)
  }
  function onSilence(): void {
    say('Receive advertisement timeout', 'detail')
    wantState = 'MASTER'
    if (group !== null && !group.mayBecomeMaster()) return arm(masterAdvertIntMs + skewMs(), onSilence)
    becomeMaster()
    group?.changed('MASTER')
  }

  function send(sentPriority: number): void {
    const source = host.sourceAddress()
    const { version, vrid, advertIntMs, password } = settings
    const addresses = settings.addresses.map(({ address }) => address)
    const advert: Advert = { version, vrid, priority: sentPriority, advertIntMs, addresses, password }
    const destinations = settings.unicastPeers.length > 0 ? settings.unicastPeers : [multicastGroup]
    for (const destination of destinations) host.transmit(encodeAdvert(advert, source, destination))
    if (sentPriority === 0) counters.pri_zero_sent += 1
    else counters.advert_sent += 1
  }
  function advertise(): void {
    send(priority)
    arm(settings.advertIntMs, advertise)
  }
  function announce(repeat: number): void {
    for (const { address } of [...settings.addresses, ...settings.excluded]) {
      say(`Sending/queueing gratuitous ARPs on ${settings.interface} for ${address}`, 'detail')
      for (let count = 0; count < repeat; count += 1) {
        host.log(`Sending gratuitous ARP on ${settings.interface} for ${address}`, 'detail')
      }
    }
    host.announce()
  }
  function announceLater(ms: number, repeat: number, again: boolean): void {
    if (ms === 0) return
    const cancel = host.after(ms, () => {
      announce(repeat)
      if (again) announceLater(ms, repeat, again)
    })
    cancelAnnouncements.push(cancel)
  }
  function stopAnnouncing(): void {
    for (const cancel of cancelAnnouncements) cancel()
    cancelAnnouncements = []
  }

  function enter(next: VrrpState): void {
    state = next
    wantState = next
    lastTransition = host.now()
    preemptAt = null
  }
  function becomeMaster(): void {
    enter('MASTER')
    send(priority)
    say('Entering MASTER STATE')
    counters.become_master += 1
    say('setting VIPs.', 'detail')
    host.setAddresses(true)
    announceAsMaster()
    host.notify('MASTER', priority)
    arm(settings.advertIntMs, advertise)
  }
  function announceAsMaster(): void {
    announce(garp.repeat)
    announceLater(garp.delayS * 1000, garp.repeat, false)
    announceLater(garp.refreshS * 1000, garp.refreshRepeat, true)
  }
  function dropAddresses(): void {
    stopAnnouncing()
    say('removing VIPs.', 'detail')
    host.setAddresses(false)
    counters.release_master += 1
  }
  function becomeBackup(): void {
    const wasMaster = state === 'MASTER'
    enter('BACKUP')
    say('Entering BACKUP STATE')
    if (wasMaster) dropAddresses()
    host.notify('BACKUP', priority)
    awaitMaster(downIntervalMs())
  }
  function becomeFault(): void {
    const wasMaster = state === 'MASTER'
    // 2.2.7 says nothing of it when it has not been anything else before.
    if (state !== 'INIT') say('Entering FAULT STATE')
    enter('FAULT')
    if (wasMaster) {
      send(0)
      say('sent 0 priority', 'detail')
      dropAddresses()
    }
    disarm()
    host.notify('FAULT', priority)
  }

  /** A master tells an outsider with lower priority who is master. */
  function answerLowerPriority(advert: Advert, source: string): void {
    const answers = !settings.lowerPriorityNoAdvert
    say(
      `Received advert from ${source} with lower priority ${advert.priority}, ours ${priority}${answers ? ', forcing new election' : ''}`,
    )
    if (!answers) return
    advertise()
    if (garp.lowerPriorityRepeat === 0) return
    announce(garp.lowerPriorityRepeat)
    announceLater(garp.lowerPriorityDelayS * 1000, garp.lowerPriorityRepeat, false)
  }

  function receiveAsMaster(advert: Advert, source: string): void {
    if (advert.priority === 0) {
      say('Master received priority 0 message')
      advertise()
      return
    }
    const order = compareAddresses(source, host.sourceAddress())
    if (advert.priority === priority && order === 0)
      say('WARNING - equal priority advert received from remote host with our IP address.')
    if (advert.priority < priority || (advert.priority === priority && order < 0)) return answerLowerPriority(advert, source)
    if (advert.priority === priority && order === 0) return
    say(
      advert.priority > priority
        ? `Master received advert from ${source} with higher priority ${advert.priority}, ours ${priority}`
        : `Master received advert from ${source} with same priority ${advert.priority} but higher IP address than ours`,
    )
    if (settings.higherPrioritySendAdvert) send(priority)
    masterPriority = advert.priority
    if (settings.version === 3) masterAdvertIntMs = advert.advertIntMs
    becomeBackup()
    group?.changed('BACKUP')
  }

  function receiveAsBackup(advert: Advert, source: string): void {
    if (advert.priority === 0) {
      say('Backup received priority 0 advertisement')
      return awaitMaster(skewMs())
    }
    const isLower = advert.priority < priority
    if (isLower && !settings.nopreempt && settings.preemptDelayS > 0 && preemptAt === null) {
      const seconds = host.now() / 1000 + settings.preemptDelayS
      say(`start preempt delay (${settings.preemptDelayS.toFixed(6)})`, 'detail')
      preemptAt = seconds * 1000
    }
    if (isLower && !settings.nopreempt && (preemptAt === null || preemptAt <= host.now())) {
      say(`received lower priority (${advert.priority}) advert from ${source} - discarding`)
      return
    }
    if (!isLower && preemptAt !== null) {
      say('stop preempt delay', 'detail')
      preemptAt = null
    }
    if (settings.version === 3 && advert.advertIntMs !== masterAdvertIntMs) {
      say(`advertisement interval updated from ${masterAdvertIntMs}ms to ${advert.advertIntMs}ms by master`)
      masterAdvertIntMs = advert.advertIntMs
    }
    masterPriority = advert.priority
    awaitMaster(downIntervalMs())
  }

  /** After a tracked thing changed. */
  function reconsider(): void {
    const before = priority
    priority = effectivePriority()
    if (before !== priority) say(`Changing effective priority from ${before} to ${priority}`)
    if (faultCount() > 0) {
      if (state === 'FAULT') return
      becomeFault()
      group?.changed('FAULT')
    } else if (state === 'FAULT' || state === 'INIT') {
      if (isFailed() || isUndecided()) return
      becomeBackup()
      group?.changed('BACKUP')
    } else if (state === 'BACKUP' && before !== priority && deadline !== null) {
      // The running wait changes by as much as the skew does.
      const change = downIntervalMs() - masterDownMs
      const remaining = Math.max(0, deadline - host.now() + change)
      masterDownMs += change
      arm(remaining, onSilence)
    }
  }

  return {
    settings,
    get state() {
      return state
    },
    get wantState() {
      return wantState
    },
    get effectivePriority() {
      return priority
    },
    get totalPriority() {
      return totalPriority()
    },
    get masterPriority() {
      return masterPriority
    },
    get masterAdvertIntMs() {
      return masterAdvertIntMs
    },
    get masterDownMs() {
      return masterDownMs
    },
    get lastTransition() {
      return lastTransition
    },
    get deadline() {
      return deadline
    },
    get counters() {
      return counters
    },
    get faultCount() {
      return faultCount()
    },
    get waitingFor() {
      return waitingFor()
    },
    join: (membership) => void (group = membership),
    start() {
      hasStarted = true
      priority = effectivePriority()
      if (priority !== settings.priority) say(`Changing effective priority from ${settings.priority} to ${priority}`)
      if (faultCount() > 0) {
        say('entering FAULT state')
        becomeFault()
      }
      // What a killed daemon left behind goes first.
      say('removing VIPs.', 'detail')
      host.setAddresses(false)
      if (state === 'FAULT' || isFailed() || isUndecided()) return
      if (settings.priority === owner) return onSilence()
      enter('BACKUP')
      say('Entering BACKUP STATE (init)')
      host.notify('BACKUP', priority)
      awaitMaster(downIntervalMs())
    },
    resume(from) {
      hasStarted = true
      priority = effectivePriority()
      counters = from.counters
      masterPriority = from.masterPriority
      lastTransition = from.lastTransition
      state = from.state
      wantState = from.wantState
      if (isFailed()) {
        if (state !== 'FAULT') becomeFault()
      } else if (state === 'MASTER') {
        say('setting VIPs.', 'detail')
        host.setAddresses(true)
        const known = new Set([...from.settings.addresses, ...from.settings.excluded].map(({ address }) => address))
        if ([...settings.addresses, ...settings.excluded].some(({ address }) => !known.has(address))) announce(garp.repeat)
        announceLater(garp.refreshS * 1000, garp.refreshRepeat, true)
        advertise()
      } else if (state === 'BACKUP') awaitMaster(downIntervalMs())
      else if (!isUndecided()) becomeBackup()
    },
    receive(datagram) {
      if (state !== 'MASTER' && state !== 'BACKUP') return
      const advert = checkAdvert(settings, datagram, !settings.skipCheckAdvertAddresses, counters, host.log)
      if (advert === null) return
      if (state === 'MASTER') receiveAsMaster(advert, datagram.source)
      else receiveAsBackup(advert, datagram.source)
    },
    track(key, contribution) {
      tracked.set(key, contribution)
      if (hasStarted) reconsider()
    },
    force(next) {
      if (state === next) return
      if (next === 'MASTER') becomeMaster()
      else if (next === 'BACKUP') becomeBackup()
      else becomeFault()
    },
    clearCounters: () => void (counters = emptyCounters()),
    stop(clean) {
      if (clean && state === 'MASTER') {
        send(0)
        say('sent 0 priority', 'detail')
        say('removing VIPs.', 'detail')
        host.setAddresses(false)
      }
      if (clean) host.notify('STOP', priority)
      disarm()
      stopAnnouncing()
    },
  }
}
