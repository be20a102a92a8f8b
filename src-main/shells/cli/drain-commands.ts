import type { DrainId, DrainState, DrainView, DrainWaves, FleetSnapshot, InputOf } from '#contract'
import { drainLines, planLines, timelineLines } from './drain-lines.ts'
import { CliError, exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import { readFleet, type Command } from './run-command.ts'
import { selectServer, selectServers } from './selectors.ts'
import { ageText, tableLines } from './terminal.ts'

export interface DrainOptions {
  reason?: string
  node?: string[]
  floor?: NonNullable<InputOf<'drain.start'>['floor']>
  overrideFloor?: string
  deadline?: number
  onDeadline?: NonNullable<InputOf<'drain.start'>['onDeadline']>
  expires?: number
  then?: 'maint'
  onViolation?: 'reassert' | 'alarm'
  unreachable?: 'refuse' | 'later'
  unchangeable?: 'refuse' | 'leave-out'
  /** beside or instead of servers: those of this pool, those whose name fits */
  pool?: string
  match?: string
  waves?: number
  oneByOne?: boolean
  goOn?: DrainWaves['goOn']
  wait?: boolean
  dryRun?: boolean
}

/** It is as far as it gets without somebody: empty, over, or it needs a decision. */
const arrived: ReadonlySet<DrainState> = new Set(['empty', 'ended', 'failed'])

/** Takes servers out and keeps them out. Ends when they are out; with `--wait`, when they are empty. */
export async function drain(
  command: Command,
  timeoutMs: number,
  selectors: readonly string[],
  options: DrainOptions,
): Promise<ExitCode> {
  const { client, terminal } = command
  const snapshot = await readFleet(command, timeoutMs)
  const request = {
    targets: targetsOf(selectors, options, snapshot),
    ...(options.node === undefined ? {} : { nodes: nodesOf(options.node, snapshot) }),
    ...(options.floor === undefined ? {} : { floor: options.floor }),
    ...(options.overrideFloor === undefined ? {} : { overrideFloor: options.overrideFloor }),
    ...(options.unreachable === undefined ? {} : { unreachable: options.unreachable }),
    ...(options.unchangeable === undefined ? {} : { unchangeable: options.unchangeable }),
    ...wavesOf(options),
  }
  const { reason } = options
  if (reason === undefined && !options.dryRun) {
    throw usageError('Say why with --reason: it is shown to whoever finds the server drained.')
  }
  const plan = await client.call('drain.plan', request, command.signal)
  if (reason === undefined || options.dryRun) {
    command.print(plan, () => planLines(plan))
    if (plan.unreachable.length > 0) return exitCodes.unreachable
    return plan.floor.every(({ holds }) => holds) ? exitCodes.ok : exitCodes.refused
  }
  for (const { text } of plan.warnings) terminal.err(`warning: ${text}`)
  for (const { pool, server, nodeId, why } of plan.leftOut) terminal.err(`not done: ${pool}/${server} on ${nodeId}: ${why}`)
  const { deadline, onDeadline, expires, then, onViolation } = options
  const started = await client.call('drain.start', {
    ...request,
    reason,
    ...(deadline === undefined ? {} : { deadlineMs: deadline }),
    ...(onDeadline === undefined ? {} : { onDeadline }),
    ...(expires === undefined ? {} : { expiresMs: expires }),
    ...(then === undefined ? {} : { then }),
    ...(onViolation === undefined ? {} : { onViolation }),
  })
  const reached = (view: DrainView): boolean => {
    if (!options.wait) return view.state !== 'starting'
    // What goes on by itself is waited for to its end.
    const goesOn = view.state === 'empty' && view.waves?.goOn === 'healthy'
    return (arrived.has(view.state) && !goesOn) || hasGivenUp(view)
  }
  const view = await followSeries(command, started.id, reached)
  command.print(view, () => drainLines(view))
  if (view.endedAt === null) {
    terminal.err(
      'The drain stays in force while Evenkeel runs on this data folder; the next one that starts takes it up again.',
    )
  }
  if (view.state === 'failed') return exitCodes.failed
  // Of a series that goes on by itself, this was the last wave.
  if (view.state === 'ended' && view.waves?.goOn === 'healthy') return exitCodes.ok
  if (view.state === 'waiting-for-node') return exitCodes.unreachable
  return options.wait && view.state !== 'empty' ? exitCodes.failed : exitCodes.ok
}

/** Puts drains back: one, by its id, or those that have a server. */
export async function undrain(command: Command, timeoutMs: number, what: string): Promise<ExitCode> {
  const { client } = command
  await command.console.start()
  const id = await openDrain(command, timeoutMs, what)
  const now = await client.call('drain.get', { drain: id })
  if (now.goal !== 'back' || now.state === 'failed') await client.call('drain.putBack', { drain: id })
  const isOver = ({ endedAt, state, places }: DrainView): boolean =>
    endedAt !== null || state === 'failed' || places.some(({ unreadSince }) => unreadSince !== null)
  const view = await follow(command, id, isOver)
  command.print(view, () => drainLines(view))
  if (view.state === 'ended') return exitCodes.ok
  return view.state === 'failed' ? exitCodes.failed : exitCodes.unreachable
}

/** Has a wave go back and the next one begin; waits until that one is out, or the last one is back. */
export async function goOn(command: Command, timeoutMs: number, what: string): Promise<ExitCode> {
  const id = await openWave(command, timeoutMs, what)
  await command.client.call('drain.goOn', { drain: id })
  const isUnread = ({ places }: DrainView): boolean => places.some(({ unreadSince }) => unreadSince !== null)
  const view = await followSeries(command, id, (now) => isUnread(now) || (now.id !== id && now.state !== 'starting'))
  command.print(view, () => drainLines(view))
  if (view.state === 'failed') return exitCodes.failed
  return isUnread(view) ? exitCodes.unreachable : exitCodes.ok
}

/** No wave follows. What is out stays out, or goes back as well. */
export async function stopHere(
  command: Command,
  timeoutMs: number,
  what: string,
  options: { putBack?: boolean },
): Promise<ExitCode> {
  if (options.putBack) return undrain(command, timeoutMs, what)
  const id = await openWave(command, timeoutMs, what)
  const view = await command.client.call('drain.stopHere', { drain: id })
  command.print(view, () => drainLines(view))
  return exitCodes.ok
}

async function openWave(command: Command, timeoutMs: number, what: string): Promise<DrainId> {
  await command.console.start()
  return openDrain(command, timeoutMs, what)
}

/** Holds a drain, has it go on, or finishes it: then until nobody is left. */
export async function steer(
  command: Command,
  timeoutMs: number,
  what: string,
  how: 'drain.hold' | 'drain.resume' | 'drain.finishNow',
): Promise<ExitCode> {
  await command.console.start()
  const id = await openDrain(command, timeoutMs, what)
  await command.client.call(how, { drain: id })
  const view = await follow(command, id, (now) => how !== 'drain.finishNow' || arrived.has(now.state) || !now.finishing)
  command.print(view, () => drainLines(view))
  return how === 'drain.finishNow' && view.state !== 'empty' ? exitCodes.failed : exitCodes.ok
}

/** The drains in force, or with `--all` those of before as well. */
export async function drains(command: Command, id: string | undefined, options: { all?: boolean }): Promise<ExitCode> {
  if (id !== undefined) {
    const view = await command.client.call('drain.get', { drain: id as DrainId })
    command.print(view, () => [...drainLines(view), ...timelineLines(view)])
    return exitCodes.ok
  }
  const list = await command.client.call('drain.list', { open: !options.all, limit: 100 })
  const now = Date.now()
  command.print(list, () =>
    tableLines(
      ['DRAIN', 'SINCE', 'STATE', 'BY', 'WHAT', 'REASON', 'HOW IT STANDS'],
      list.map((view) => [view.id, ageText(view.createdAt, now), view.state, view.owner, view.title, view.reason, view.said]),
    ),
  )
  return exitCodes.ok
}

function targetsOf(selectors: readonly string[], { pool, match }: DrainOptions, snapshot: FleetSnapshot): string[] {
  const named = selectors.map((selector) => targetOf(selector, snapshot))
  const fitting = pool === undefined && match === undefined ? [] : selectServers({ pool, match }, snapshot).map(({ id }) => id)
  const targets = [...new Set([...named, ...fitting])]
  if (targets.length > 0) return targets
  throw usageError('Name the servers, or choose them with --pool, --match or both.')
}

function wavesOf({ waves, oneByOne, goOn: when }: DrainOptions): { waves?: InputOf<'drain.start'>['waves'] } {
  const size = oneByOne ? 1 : waves
  if (size !== undefined) return { waves: { size, ...(when === undefined ? {} : { goOn: when }) } }
  if (when === undefined) return {}
  throw usageError('--go-on says when the next wave begins: say with --waves how many servers go at a time.')
}

/** An address stands for every server that has it; anything else for exactly one. */
function targetOf(selector: string, snapshot: FleetSnapshot): string {
  const isAddress = snapshot.servers.some(({ address }) => address === selector)
  return isAddress ? selector : selectServer(selector, snapshot).id
}

function nodesOf(ids: readonly string[], { nodes }: FleetSnapshot): FleetSnapshot['nodes'][number]['id'][] {
  return ids.map((id) => {
    const node = nodes.find((each) => each.id === id)
    if (node === undefined) throw usageError(`There is no node "${id}" in the inventory.`)
    return node.id
  })
}

async function openDrain(command: Command, timeoutMs: number, what: string): Promise<DrainId> {
  const open = await command.client.call('drain.list', { open: true, limit: 500 })
  const byId = open.find(({ id }) => id === what)
  if (byId !== undefined) return byId.id
  if (open.length === 0) throw usageError('No drain is in force.')
  const target = targetOf(what, await readFleet(command, timeoutMs))
  const found = open.filter(
    ({ targets, places }) => targets.includes(target) || places.some(({ serverId }) => serverId === target),
  )
  const [one, ...others] = found
  if (one !== undefined && others.length === 0) return one.id
  if (one === undefined) throw usageError(`No drain in force has the server "${what}". "evenkeel drains" lists them.`)
  throw usageError(`Several drains have "${what}"; say which by its id:\n${found.map(({ id }) => `  ${id}`).join('\n')}`)
}

/** Only an operator can help: what it was, stands in the view. */
function hasGivenUp({ state, onViolation }: DrainView): boolean {
  return state === 'violated' && onViolation === 'alarm'
}

/** As `follow`, on through the waves that begin by themselves or were told to. A series that waits for somebody else's word is followed no further. */
async function followSeries(command: Command, id: DrainId, reached: (view: DrainView) => boolean): Promise<DrainView> {
  let view = await follow(command, id, (now) => isOver(now) || reached(now))
  while (view.state === 'ended' && view.next.length > 0) {
    const list = await command.client.call('drain.list', { open: false, limit: 500 })
    const following = list.find(({ follows }) => follows === view.id)
    if (following === undefined) return view
    view = await follow(command, following.id, (now) => isOver(now) || reached(now))
  }
  return view
}

const isOver = ({ endedAt, state }: DrainView): boolean => endedAt !== null || state === 'failed'

/** Subscribed before it is asked for, so that no change falls in between. Ctrl-C ends the waiting and leaves the drain in force. */
async function follow(
  { client, signal, terminal }: Command,
  id: DrainId,
  reached: (view: DrainView) => boolean,
): Promise<DrainView> {
  let stop = (): void => undefined
  let said = ''
  const changed = new Promise<DrainView>((resolve) => {
    stop = client.on('drain.changed', (view) => {
      if (view.id !== id) return
      if (view.said !== said) terminal.err(`${view.state}: ${(said = view.said)}`)
      if (reached(view)) resolve(view)
    })
  })
  const interrupted = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }))
  try {
    const now = await client.call('drain.get', { drain: id })
    if (reached(now)) return now
    const view = signal.aborted ? null : await Promise.race([changed, interrupted])
    if (view !== null) return view
  } finally {
    stop()
  }
  throw new CliError({
    code: 'request.cancelled',
    message: `No longer waiting. The drain ${id} stays in force; "evenkeel undrain ${id}" puts the server back.`,
    effect: 'applied',
    details: { drain: id },
  })
}
