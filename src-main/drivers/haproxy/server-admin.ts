import type { AdminState, RuntimeStep } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { AdminLimits } from '../../app/ports/admin-limits.ts'
import type { ServerAdmin, ServerPreImage } from '../../app/ports/driver.ts'
import type { NodeSession } from '../../app/ports/node-session.ts'
import { commandsOf, wantedAfter } from '../../domain/haproxy/runtime-changes.ts'
import { parseServersState } from '../../domain/haproxy/parse-servers-state.ts'
import {
  faultFrom,
  faultOfChange,
  nameFault,
  serversStateCommand,
  setStateCommand,
  setWeightCommand,
  type CommandFault,
  type ServerRef,
} from '../../domain/haproxy/runtime-command.ts'
import { commandedState } from '../../domain/haproxy/server-state.ts'
import { createDrainWatch } from './drain-watch.ts'
import type { Endpoints } from './endpoints.ts'
import { orUnexpected } from './or-unexpected.ts'
import type { RuntimeSockets, RuntimeTarget } from './runtime-socket.ts'
import type { ReadFiles } from './stickiness.ts'

/*
 * Model: a change is one command, its reply, and a reading of the server's bits afterwards. HAProxy has no status codes and an
 * agent-check may undo a change within a second, so only the reading counts: what is not in force right afterwards is
 * `daemon.not-confirmed`. Nothing is retried here. An error before the command was sent has effect `none`; once it was sent,
 * `unknown`, except where HAProxy refused it.
 */

interface AdminParts {
  clock: Clock
  sockets: RuntimeSockets
  target: RuntimeTarget
  endpoints: Endpoints
  readFiles: ReadFiles
}

const recordedReplyBytes = 4096
/** A server in maintenance gets no more requests; those that it has may take this long. */
const lastConnectionsMs = 10_000
const removeAgainMs = 500

export interface HaproxyAdmin extends ServerAdmin {
  /** Errors as `setState`: a step that is not in force right afterwards is `daemon.not-confirmed`. */
  apply(session: NodeSession, step: RuntimeStep, limits: AdminLimits): Promise<void>
}

export function createServerAdmin(parts: AdminParts): HaproxyAdmin {
  const via = `socket ${parts.target.path}`
  const sent = (command: string): string => parts.target.prefix + command

  async function read(session: NodeSession, ref: ServerRef, limits: AdminLimits): Promise<ServerPreImage | null> {
    assertNames(ref)
    const reply = await ask(session, serversStateCommand(ref.pool), limits, false)
    const fault = faultFrom(reply)
    if (fault === 'no-such-backend') return null
    if (fault !== null) throw refusal(session, serversStateCommand(ref.pool), reply, fault)
    const row = orUnexpected(session, () => parseServersState(reply)).find(({ server }) => server === ref.server)
    if (row === undefined) return null
    return {
      pool: row.backend,
      server: row.server,
      adminState: row.adminState,
      weight: row.weight,
      configuredWeight: row.configuredWeight,
      address: row.address ?? 'unix',
    }
  }

  async function ask(session: NodeSession, command: string, limits: AdminLimits, changes: boolean): Promise<string> {
    const record = (reply: string): void =>
      limits.record({
        at: parts.clock.now(),
        via,
        command: sent(command),
        exitCode: null,
        reply: reply.slice(0, recordedReplyBytes),
      })
    try {
      const reply = await parts.sockets.ask(session, parts.target, [command], { ...limits, changes })
      record(reply)
      return reply
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.effect !== 'none') record(`(no reply: ${thrown.message})`)
      throw thrown
    }
  }

  async function change(session: NodeSession, command: string, limits: AdminLimits): Promise<void> {
    const reply = await ask(session, command, limits, true)
    const fault = faultOfChange(reply)
    if (fault !== null) throw refusal(session, command, reply, fault)
  }

  /** A server that is in maintenance, as soon as its last connection has ended, or it is said how it stands. */
  async function remove(session: NodeSession, ref: ServerRef, command: string, limits: AdminLimits): Promise<void> {
    const until = parts.clock.monotonic() + lastConnectionsMs
    for (;;) {
      const reply = await ask(session, command, limits, true)
      const fault = faultOfChange(reply)
      if (fault === null) return
      if (!/still has/.test(reply)) throw refusal(session, command, reply, fault)
      if (parts.clock.monotonic() > until) {
        throw new AppError(
          'daemon.runtime-rejected',
          `${ref.pool}/${ref.server} on ${session.nodeId} still serves connections, so the running HAProxy cannot forget it. Drain it first, or push with a reload.`,
          { effect: 'applied', details: { command, reply: reply.trim() } },
        )
      }
      await parts.clock.sleep(removeAgainMs, limits.signal)
    }
  }

  async function confirm(
    session: NodeSession,
    ref: ServerRef,
    wanted: { state?: AdminState; weight?: number },
    limits: AdminLimits,
  ): Promise<void> {
    const now = await read(session, ref, limits)
    const state = now === null ? 'gone' : commandedState(now.adminState)
    const stateHolds = wanted.state === undefined || state === wanted.state
    const weightHolds = wanted.weight === undefined || now?.weight === wanted.weight
    if (now !== null && stateHolds && weightHolds) return
    const weight = wanted.weight === undefined ? [] : [`weight ${wanted.weight}`]
    const whole = [wanted.state ?? [], weight].flat().join(', ')
    throw new AppError(
      'daemon.not-confirmed',
      `HAProxy on ${session.nodeId} accepted the command for ${ref.pool}/${ref.server}, but right afterwards it is ${state}${now === null ? '' : ` with weight ${now.weight}`} instead of ${whole}. An agent-check or another operator may have changed it.`,
      { effect: 'unknown', details: { pool: ref.pool, server: ref.server, wanted: whole, found: state } },
    )
  }

  return {
    via,
    watch: createDrainWatch(parts),
    read: (session, pool, server, limits) => read(session, { pool, server }, limits),

    async setState(session, pool, server, state, limits) {
      const ref = { pool, server }
      assertNames(ref)
      await change(session, setStateCommand(ref, state), limits)
      await confirm(session, ref, { state }, limits)
    },

    async apply(session, step, limits) {
      assertNames(step)
      for (const command of commandsOf(step)) {
        await (command.startsWith('del server') ? remove(session, step, command, limits) : change(session, command, limits))
      }
      const wanted = wantedAfter(step)
      if (wanted !== null) return confirm(session, step, wanted, limits)
      if ((await read(session, step, limits)) === null) return
      const name = `${step.pool}/${step.server}`
      throw new AppError(
        'daemon.not-confirmed',
        `HAProxy on ${session.nodeId} said that ${name} is gone, and still lists it.`,
        {
          effect: 'unknown',
        },
      )
    },

    async restore(session, before, limits) {
      assertNames(before)
      assertSameServer(session, before, await read(session, before, limits))
      const [weight, state] = undoCommands(before)
      await change(session, weight, limits)
      await change(session, state, limits).catch((thrown: unknown) => {
        throw halfDone(session, before, thrown)
      })
      await confirm(session, before, { state: commandedState(before.adminState), weight: before.weight }, limits)
    },

    commandsFor(now, state) {
      assertNames(now)
      return [sent(setStateCommand(now, state))]
    },
    undoCommandsFor(before) {
      assertNames(before)
      return undoCommands(before).map(sent)
    },
    isIn: (before, state) => commandedState(before.adminState) === state,
  }
}

/** Weight first: a server that is made ready takes traffic at once. */
function undoCommands(before: ServerPreImage): [weight: string, state: string] {
  return [
    setWeightCommand(before, before.weight, before.configuredWeight),
    setStateCommand(before, commandedState(before.adminState)),
  ]
}

function assertNames({ pool, server }: ServerRef): void {
  for (const [what, name] of [
    ['backend', pool],
    ['server', server],
  ] as const) {
    const fault = nameFault(name)
    if (fault === null) continue
    throw new AppError(
      'daemon.runtime-rejected',
      `The ${what} name ${JSON.stringify(name.slice(0, 100))} was not sent to HAProxy: it ${fault}.`,
      { details: { name: name.slice(0, 100) } },
    )
  }
}

function assertSameServer(session: NodeSession, before: ServerPreImage, now: ServerPreImage | null): void {
  if (now !== null && now.address === before.address) return
  const found = now === null ? 'is no longer there' : `is now ${now.address}`
  throw new AppError(
    'daemon.runtime-rejected',
    `${before.pool}/${before.server} on ${session.nodeId} was ${before.address} and ${found}: its recorded state was not put back.`,
    { details: { pool: before.pool, server: before.server, recorded: before.address, found: now?.address ?? null } },
  )
}

/** The weight was put back and the state was not: whatever the second error says of itself, something did change. */
function halfDone(session: NodeSession, before: ServerPreImage, thrown: unknown): unknown {
  if (!(thrown instanceof AppError) || thrown.effect === 'unknown') return thrown
  return new AppError(
    thrown.code,
    `The weight of ${before.pool}/${before.server} on ${session.nodeId} was put back, its state was not. ${thrown.message}`,
    { effect: 'applied', details: thrown.details, cause: thrown },
  )
}

const advice: Partial<Record<CommandFault, string>> = {
  'not-permitted': 'The stats socket is not of level admin; give it "level admin" in the global section and reload.',
  'old-worker': 'The answer came from a worker that is shutting down after a reload; try again.',
  'no-such-server': 'The configuration may have changed; refresh the node.',
  'no-such-backend': 'The configuration may have changed; refresh the node.',
}

/** HAProxy said no, so nothing changed. */
function refusal(session: NodeSession, command: string, reply: string, fault: CommandFault): AppError {
  const answer = reply.trim().split('\n')[0]?.slice(0, 200) ?? ''
  return new AppError(
    'daemon.runtime-rejected',
    `HAProxy on ${session.nodeId} refused "${command}": ${answer} ${advice[fault] ?? ''}`.trim(),
    { details: { command, reply: answer, fault } },
  )
}
