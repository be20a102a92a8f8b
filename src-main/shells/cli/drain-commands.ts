import type { DrainId, DrainPlan, DrainState, DrainView, FleetSnapshot, InputOf } from '#contract'
import { CliError, exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import { readFleet, type Command } from './run-command.ts'
import { selectServer } from './selectors.ts'
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
  oneByOne?: boolean
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
    targets: selectors.map((selector) => targetOf(selector, snapshot)),
    ...(options.node === undefined ? {} : { nodes: nodesOf(options.node, snapshot) }),
    ...(options.floor === undefined ? {} : { floor: options.floor }),
    ...(options.overrideFloor === undefined ? {} : { overrideFloor: options.overrideFloor }),
    ...(options.unreachable === undefined ? {} : { unreachable: options.unreachable }),
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
  const { deadline, onDeadline, expires, then, onViolation } = options
  const started = await client.call('drain.start', {
    ...request,
    reason,
    ...(options.oneByOne === undefined ? {} : { oneByOne: options.oneByOne }),
    ...(deadline === undefined ? {} : { deadlineMs: deadline }),
    ...(onDeadline === undefined ? {} : { onDeadline }),
    ...(expires === undefined ? {} : { expiresMs: expires }),
    ...(then === undefined ? {} : { then }),
    ...(onViolation === undefined ? {} : { onViolation }),
  })
  const reached = (view: DrainView): boolean =>
    options.wait ? arrived.has(view.state) || hasGivenUp(view) : view.state !== 'starting'
  const view = await follow(command, started.id, reached)
  command.print(view, () => drainLines(view))
  if (view.endedAt === null) {
    terminal.err(
      'The drain stays in force while Evenkeel runs on this data folder; the next one that starts takes it up again.',
    )
  }
  if (view.state === 'failed') return exitCodes.failed
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

function planLines(plan: DrainPlan): string[] {
  return [
    plan.title,
    ...plan.places.flatMap(({ nodeId, pool, server, via, commands, undoCommands, left }) => [
      `  ${pool}/${server} on ${nodeId} over ${via}: ${leftText(left)}`,
      ...commands.map((line) => `    ${line}`),
      ...undoCommands.map((line) => `    undo: ${line}`),
    ]),
    ...plan.unreachable.map((node) => `  ${node} cannot be read now`),
    ...plan.floor.map(
      ({ pool, nodeId, remaining, healthy, needed, holds }) =>
        `  ${pool} on ${nodeId}: ${remaining} of ${healthy} that take traffic would remain, ${needed} must${holds ? '' : ': refused'}`,
    ),
    ...plan.forecast.shares
      .filter(({ before, after }) => before !== after)
      .map(
        ({ pool, nodeId, server, before, after }) =>
          `  ${pool}/${server} on ${nodeId}: ${percent(before)} of new work, then ${percent(after)}`,
      ),
    `  empty ${plan.forecast.emptyInMs === null ? 'at a time that cannot be foretold' : `in about ${Math.ceil(plan.forecast.emptyInMs / 1000)} s`}`,
    ...plan.warnings.map(({ text }) => `  warning: ${text}`),
  ]
}

function drainLines(view: DrainView): string[] {
  return [
    `${view.title}: ${view.state}. ${view.said}`,
    `  drain ${view.id}, by ${view.owner}, because "${view.reason}"`,
    ...view.places.flatMap(({ pool, server, nodeId, phase, left, proof, said }) => [
      `  ${pool}/${server} on ${nodeId}: ${phase}${left === null ? '' : `, ${leftText(left)}`}${said === '' ? '' : `. ${said}`}`,
      ...(proof?.evidence ?? []).map((line) => `    ${line}`),
      ...(left?.clients ?? [])
        .slice(0, 5)
        .map(({ source, ageMs, generation }) => `    ${source} for ${Math.round(ageMs / 1000)} s, ${generation} worker`),
    ]),
    ...(view.endedAt === null ? [`  to put it back: evenkeel undrain ${view.id}`] : []),
  ]
}

function timelineLines({ timeline }: DrainView): string[] {
  return timeline.map(({ at, kind, text }) => `  ${new Date(at).toISOString()} ${kind.padEnd(11)} ${text}`)
}

function leftText({ sessions, oldSessions, queue, stuck }: NonNullable<DrainView['places'][number]['left']>): string {
  const parts = [`${sessions} sessions`, `${oldSessions ?? 'unknown'} on old workers`]
  if (queue > 0) parts.push(`${queue} queued`)
  if (stuck !== null && stuck > 0) parts.push(`${stuck} came since by cookie or stick table`)
  return parts.join(', ')
}

const percent = (share: number): string => `${Math.round(share * 100)} %`
