import type { AdminState, HistoryEntry, JobId, JobView, NodeId, OperationPlan } from '#contract'
import { exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import { readFleet, type Command } from './run-command.ts'
import { selectServer } from './selectors.ts'
import { tableLines } from './terminal.ts'

export interface SetStateOptions {
  reason?: string
  node?: string[]
  plan?: boolean
}

/** Puts servers into a state on every balancer that has them, and waits for the end. */
export async function setState(
  command: Command,
  timeoutMs: number,
  state: AdminState,
  selectors: readonly string[],
  options: SetStateOptions,
): Promise<ExitCode> {
  const snapshot = await readFleet(command, timeoutMs)
  const servers = selectors.map((selector) => selectServer(selector, snapshot).id)
  const nodes = options.node?.map((id) => {
    const node = snapshot.nodes.find((each) => each.id === id)
    if (node === undefined) throw usageError(`There is no node "${id}" in the inventory.`)
    return node.id
  })
  const request = { servers, state, ...(nodes === undefined ? {} : { nodes }) }
  const plan = await command.client.call('server.planState', request, command.signal)
  if (options.plan) {
    command.print(plan, () => planLines(plan))
    return plan.unreachable.length === 0 ? exitCodes.ok : exitCodes.unreachable
  }
  for (const line of warningLines(plan)) command.terminal.err(`warning: ${line}`)
  const { jobId } = await command.client.call('server.setState', {
    ...request,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  })
  return followJob(command, jobId)
}

/** Waits until a job has ended, or stands still, and shows it. Ctrl-C cancels it: what was done is undone, and then it has ended. */
export async function followJob(command: Command, jobId: JobId): Promise<ExitCode> {
  const { client, signal, terminal } = command
  const cancel = (): void => {
    terminal.err('Cancelling: stopping at the next safe point and undoing what was done.')
    client.call('job.cancel', { job: jobId }).catch(() => undefined) // it has just ended: then that is what is shown
  }
  signal.addEventListener('abort', cancel, { once: true })
  if (signal.aborted) cancel()
  const job = await settledJob(command, jobId)
  signal.removeEventListener('abort', cancel)
  command.print(job, () => jobLines(job))
  return job.outcome === 'succeeded' ? exitCodes.ok : exitCodes.failed
}

/** Subscribed before it is asked for, so that no change falls in between. */
async function settledJob({ client }: Command, jobId: JobId): Promise<JobView> {
  const settled = (job: JobView): boolean => job.state !== 'running'
  let stop = (): void => undefined
  const changed = new Promise<JobView>((resolve) => {
    stop = client.on('job.changed', (job) => {
      if (job.id === jobId && settled(job)) resolve(job)
    })
  })
  const now = await client.call('job.get', { job: jobId })
  const job = settled(now) ? now : await changed
  stop()
  return job
}

export async function undo(command: Command, job: string): Promise<ExitCode> {
  await command.console.start()
  // A job that an earlier process left unfinished was taken up just now; it has to end before it can be undone.
  await settledJob(command, job as JobId)
  const { jobId } = await command.client.call('job.undo', { job: job as JobId })
  return followJob(command, jobId)
}

export async function jobs(command: Command, id: string | undefined, limit: number): Promise<ExitCode> {
  if (id !== undefined) {
    const job = await command.client.call('job.get', { job: id as JobId })
    command.print(job, () => jobLines(job))
    return exitCodes.ok
  }
  const list = await command.client.call('job.list', { limit })
  command.print(list, () =>
    tableLines(
      ['JOB', 'CREATED', 'OUTCOME', 'BY', 'TITLE', 'REASON'],
      list.map((job) => [
        job.id,
        timeText(job.createdAt),
        job.outcome ?? job.state,
        job.requestedBy,
        job.title,
        job.reason ?? '',
      ]),
    ),
  )
  return exitCodes.ok
}

export async function history(command: Command, options: { limit: number; subject?: string }): Promise<ExitCode> {
  const entries = await command.client.call('history.list', options)
  command.print(entries, () =>
    tableLines(
      ['TIME', 'KIND', 'NODE', 'SUBJECT', 'WHAT'],
      entries.map((entry) => [timeText(entry.at), entry.kind, entry.nodeId ?? '–', entry.subject, whatText(entry)]),
    ),
  )
  return exitCodes.ok
}

function whatText({ data }: HistoryEntry): string {
  return Object.entries(data)
    .filter(([, value]) => value !== null && value !== '' && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join(',') : String(value)}`)
    .join(' ')
}

export function planLines(plan: OperationPlan): string[] {
  return [
    plan.title,
    ...plan.steps.flatMap((step) => [
      `  ${step.nodeId} (${step.before.word || step.before.state}) over ${step.via}`,
      ...step.commands.map((line) => `    ${line}`),
      ...step.undoCommands.map((line) => `    undo: ${line}`),
    ]),
    ...plan.unreachable.map((node) => `  ${node} cannot be read now`),
    ...warningLines(plan).map((line) => `  warning: ${line}`),
  ]
}

const warningTexts: Record<OperationPlan['warnings'][number]['rule'], string> = {
  'last-usable-server': 'no usable server is left in the pool; clients get an error at once',
  'agent-check': 'an agent-check is configured and may undo this within its interval',
  'weight-zero': 'the weight is 0; the server gets no new sessions even when it is ready',
  'needs-reload':
    'nginx reloads for this: keep-alive clients may see one reset, and old workers stay until their connections end',
  'lost-on-reload': 'HAProxy forgets this at its next reload',
  'already-in-state': 'is in that state already',
}

function warningLines({ warnings }: OperationPlan): string[] {
  return warnings.map(({ rule, pool, nodeId, data }) => {
    const where = [pool, data['server'], nodeId === null ? null : `on ${nodeId as NodeId}`].filter((part) => part != null)
    return `${where.join(' ')}: ${warningTexts[rule]}`
  })
}

export function jobLines(job: JobView): string[] {
  return [
    `${job.title}: ${job.outcome ?? job.state}`,
    `  job ${job.id}, by ${job.requestedBy} at ${timeText(job.createdAt)}${job.reason === null ? '' : `, because "${job.reason}"`}`,
    ...job.steps.flatMap((step) => [
      `  ${step.title}: ${step.state}${step.error === null ? '' : `: ${step.error.message}`}`,
      ...step.commands.map(({ command, via }) => `    ${command} [${via}]`),
    ]),
    ...(job.error === null ? [] : [`  ${job.error.message}`]),
    ...(job.undo.possible ? [`  to undo it: evenkeel undo ${job.id}`] : []),
  ]
}

function timeText(at: number): string {
  return new Date(at)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
}
