import type { Duplex } from 'node:stream'
import type { DrillRecord, NodeId, PushPhase, PushRecord, StepState } from '#contract'
import type { Publish } from '../../src-main/app/handlers-type.ts'
import type { AdminLimits } from '../../src-main/app/ports/admin-limits.ts'
import type { ConfigAdmin } from '../../src-main/app/ports/config-admin.ts'
import type { Driver, ServerAdmin } from '../../src-main/app/ports/driver.ts'
import type { FaultAdmin } from '../../src-main/app/ports/fault-admin.ts'
import type { NodeSession } from '../../src-main/app/ports/node-session.ts'

/** Told the name of every point that an operation passes, in order. */
export type Pass = (point: string) => void

/** Numbers points from the second time on: `lb1 is watching (2)`. */
export function numbered(pass: Pass): Pass {
  const times = new Map<string, number>()
  return (name) => {
    const time = (times.get(name) ?? 0) + 1
    times.set(name, time)
    pass(time === 1 ? name : `${name} (${time})`)
  }
}

/**
 * The points of the journal, from the application's own events: they are published right after the write, in the same turn.
 * `job created`, `history: started`, `lb1 journaled intended`, `lb1 journaled done`, `history: ended`, `job ended`; of drains
 * `drain out starting` (goal and state), and `drain.started` and the like, which are told before their transaction is committed;
 * of pushes `push.started` likewise, and `lb1 is watching` (phase); of drills `drill.started` and `drill is holding` (state).
 */
export function passJournal(pass: Pass): Publish {
  const jobs = new Set<string>()
  const known = new Map<string, StepState>()
  const phases = new Map<NodeId, PushPhase>()
  let lastDrain = ''
  let lastDrill = ''
  return (name, payload) => {
    if (name === 'history.appended') {
      for (const { kind } of payload as { kind: string }[]) {
        if (kind.startsWith('operation.')) pass(kind.replace('operation.', 'history: '))
        if (/^(drain|push|drill)\./.test(kind)) pass(kind)
      }
    }
    if (name === 'push.changed') {
      for (const { nodeId, phase } of (payload as PushRecord).targets) {
        if (phase !== (phases.get(nodeId) ?? 'waiting')) pass(`${nodeId} is ${phase}`)
        phases.set(nodeId, phase)
      }
    }
    if (name === 'drain.changed') {
      const { goal, state } = payload as { goal: string; state: string }
      if (lastDrain !== `drain ${goal} ${state}`) pass((lastDrain = `drain ${goal} ${state}`))
    }
    if (name === 'drill.changed') {
      const { state } = payload as DrillRecord
      if (lastDrill !== state) pass(`drill is ${(lastDrill = state)}`)
    }
    if (name !== 'job.changed') return
    const job = payload as { id: string; state: string; steps: { key: string; nodeId: NodeId | null; state: StepState }[] }
    if (!jobs.has(job.id)) pass('job created')
    jobs.add(job.id)
    for (const { key, nodeId, state } of job.steps) {
      const step = `${job.id} ${key}`
      if (state !== (known.get(step) ?? 'pending')) pass(`${nodeId} journaled ${state}`)
      known.set(step, state)
    }
    if (job.state === 'ended') pass('job ended')
  }
}

/** The real drivers, which pass a point before and after everything that they do to a server. */
export function passDrivers(drivers: Iterable<Driver>, pass: Pass): Driver[] {
  return [...drivers].map((driver) => ({
    kind: driver.kind,
    detect: (...args) => driver.detect(...args),
    bind(detected) {
      const bound = driver.bind(detected)
      return {
        kind: bound.kind,
        observe: (...args) => bound.observe(...args),
        configAdmin: bound.configAdmin === null ? null : passConfigAdmin(bound.configAdmin, pass),
        readConfig: (...args) => bound.readConfig(...args),
        serverAdmin: bound.serverAdmin === null ? null : passAdmin(bound.serverAdmin, pass),
      }
    },
  }))
}

type Around = <T>(node: NodeId, doing: string, done: string, work: () => Promise<T>) => Promise<T>

const passAround =
  (pass: Pass): Around =>
  async (node, doing, done, work) => {
    pass(`${node} ${doing}`)
    const result = await work()
    pass(`${node} ${done}`)
    return result
  }

/** The faults of drills likewise. */
export function passFaults(faults: FaultAdmin, pass: Pass): FaultAdmin {
  const around = passAround(pass)
  return {
    ...faults,
    snapshot: (session, ...rest) =>
      around(session.nodeId, 'snapshot leaving', 'snapshot taken', () => faults.snapshot(session, ...rest)),
    inject: (session, ...rest) => around(session.nodeId, 'fault leaving', 'fault made', () => faults.inject(session, ...rest)),
    heartbeat: (session, ...rest) =>
      around(session.nodeId, 'heartbeat leaving', 'heartbeat taken', () => faults.heartbeat(session, ...rest)),
    revert: (session, ...rest) => around(session.nodeId, 'taking back', 'taken back', () => faults.revert(session, ...rest)),
  }
}

function passConfigAdmin(admin: ConfigAdmin, pass: Pass): ConfigAdmin {
  const around = passAround(pass)
  return {
    ...admin,
    check: (session, ...rest) => around(session.nodeId, 'check leaving', 'checked', () => admin.check(session, ...rest)),
    arm: (session, ...rest) => around(session.nodeId, 'guard leaving', 'armed', () => admin.arm(session, ...rest)),
    replace: (session, ...rest) => admin.replace(passSession(session, pass), ...rest),
    reload: (session, ...rest) => admin.reload(passSession(session, pass), ...rest),
    confirm: (session, ...rest) =>
      around(session.nodeId, 'confirmation leaving', 'confirmed', () => admin.confirm(session, ...rest)),
    restore: (session, ...rest) => around(session.nodeId, 'restoring', 'restored', () => admin.restore(session, ...rest)),
  }
}

function passAdmin(admin: ServerAdmin, pass: Pass): ServerAdmin {
  const around = passAround(pass)
  return {
    ...admin,
    read: (session, pool, server, limits) =>
      around(session.nodeId, 'reading', 'read', () => admin.read(session, pool, server, limits)),
    setState: (session, pool, server, state, limits) =>
      around(session.nodeId, 'setting', 'set', () =>
        admin.setState(passSession(session, pass), pool, server, state, passRecord(session.nodeId, limits, pass)),
      ),
    watch: {
      ...admin.watch,
      left: (session, ...rest) => around(session.nodeId, 'looking', 'looked', () => admin.watch.left(session, ...rest)),
    },
    restore: (session, before, limits) =>
      around(session.nodeId, 'restoring', 'restored', () =>
        admin.restore(passSession(session, pass), before, passRecord(session.nodeId, limits, pass)),
      ),
  }
}

/** `state command` or `weight command`; null for one that only asks */
function commandName(line: string): string | null {
  const what = /^set (?:server \S+ )?(state|weight) /.exec(line)?.[1]
  return what === undefined ? null : `${what} command`
}

function passRecord(node: NodeId, limits: AdminLimits, pass: Pass): AdminLimits {
  return {
    ...limits,
    record(command) {
      const name = commandName(command.command)
      if (name !== null) pass(`${node} ${name} answered`)
      limits.record(command)
      if (name !== null) pass(`${node} ${name} recorded`)
    },
  }
}

/** Knows the moments just before a command's bytes leave, and just after they were handed to the connection. */
function passSession(session: NodeSession, pass: Pass): NodeSession {
  return {
    nodeId: session.nodeId,
    async exec(argv, options) {
      const isReload = argv.at(-1) === 'reload' || argv[0] === 'kill'
      if (isReload) pass(`${session.nodeId} reload leaving`)
      const result = await session.exec(argv, options)
      if (isReload) pass(`${session.nodeId} reload answered`)
      return result
    },
    readFile: (...args) => session.readFile(...args),
    openTcp: (...args) => session.openTcp(...args),
    async replaceFile(...args) {
      pass(`${session.nodeId} file leaving`)
      const replaced = await session.replaceFile(...args)
      pass(`${session.nodeId} file replaced`)
      return replaced
    },
    traffic: () => session.traffic(),
    async openSocket(path, options) {
      const stream = await session.openSocket(path, options)
      const end = stream.end.bind(stream) as (line: string) => Duplex
      const endAndPass = (line: string): Duplex => {
        const name = commandName(line)
        if (name !== null) pass(`${session.nodeId} ${name} leaving`)
        end(line)
        if (name !== null) pass(`${session.nodeId} ${name} handed over`)
        return stream
      }
      // the runtime socket ends its side with the one line that it has to say, and in no other way
      return Object.assign(stream, { end: endAndPass })
    },
  }
}
