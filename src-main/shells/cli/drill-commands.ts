import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DrillCheck, DrillId, DrillPrediction, DrillRecord, FaultKind, Interval, NodeId, RouterId } from '#contract'
import { exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import { readFleet, type Command } from './run-command.ts'
import { ageText, tableLines } from './terminal.ts'

/** The faults; with a router, what each would do to it. */
export async function drillCatalogue(command: Command, timeoutMs: number, router: string | undefined): Promise<ExitCode> {
  if (router !== undefined) await readFleet(command, timeoutMs)
  const query = router === undefined ? {} : { router: router as RouterId }
  const entries = await command.client.call('drills.catalogue', query, command.signal)
  command.print(entries, () =>
    tableLines(
      ['fault', 'risk', 'what', ...(router === undefined ? [] : ['moves to', 'no answer (predicted)'])],
      entries.map(({ kind, risk, summary, prediction }) => [
        kind,
        String(risk),
        summary,
        ...(prediction === null ? [] : [prediction.to ?? 'nobody', outageText(prediction)]),
      ]),
    ),
  )
  return exitCodes.ok
}

export interface PlanOptions {
  router?: string
  fault?: string
  node?: string
  port?: number
}

/** A dry run of a plan, or with `--router` a new plan on stdout. Ends with 4 when something stands against it. */
export async function drillPlan(
  command: Command,
  timeoutMs: number,
  file: string | undefined,
  { router, fault, node, port }: PlanOptions,
): Promise<ExitCode> {
  await readFleet(command, timeoutMs)
  if (file === undefined) {
    if (router === undefined || port === undefined) {
      throw usageError('Say which plan, or for a new one --router and --port (of the service at its address).')
    }
    const wish = { router: router as RouterId, fault: (fault ?? 'priority-drop') as FaultKind, port }
    const { text } = await command.client.call(
      'drills.template',
      { ...wish, ...(node === undefined ? {} : { node: node as NodeId }) },
      command.signal,
    )
    command.print({ text }, () => text.trimEnd().split('\n'))
    return exitCodes.ok
  }
  const check = await command.client.call('drills.check', { text: await textOf(file) }, command.signal)
  command.print(check, () => checkLines(check, file))
  return check.plan === null ? exitCodes.usage : check.ready ? exitCodes.ok : exitCodes.refused
}

/** Carries a plan out; Ctrl-C takes the fault back first. Ends with 0 when the hypothesis was proven. */
export async function drillRun(
  command: Command,
  timeoutMs: number,
  file: string,
  { reason }: { reason?: string },
): Promise<ExitCode> {
  if (reason === undefined) throw usageError('Say why with --reason: it stands in the report and in the history.')
  const text = await textOf(file)
  await readFleet(command, timeoutMs)
  const { client, terminal, json, signal } = command
  let id: DrillId | null = null
  let told = ''
  let over: () => void = () => undefined
  const ended = new Promise<void>((resolve) => (over = resolve))
  const onChange = (now: DrillRecord): void => {
    if (now.id !== id) return
    const line = `${now.state}: ${now.said}`
    if (!json && line !== told) terminal.err((told = line))
    if (now.endedAt !== null) over()
  }
  const forget = client.on('drill.changed', onChange)
  try {
    const begun = await client.call('drills.start', { text, reason }, signal)
    id = begun.id
    onChange((await client.call('drills.get', { drill: id })).record)
    const stop = (): void => void client.call('drills.stop', { drill: begun.id }).catch(() => undefined)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    await ended
    const { record } = await client.call('drills.get', { drill: id })
    command.print(record, () => recordLines(record))
    return record.verdict === 'proven' ? exitCodes.ok : exitCodes.failed
  } finally {
    forget()
  }
}

/** Without an id, all of them; whichever process carries a drill out heeds it. */
export async function drillStop(command: Command, id: string | undefined): Promise<ExitCode> {
  const { client, console, signal } = command
  await console.start()
  const open =
    id === undefined
      ? await client.call('drills.stopAll', {}, signal)
      : [await client.call('drills.stop', { drill: id as DrillId }, signal)]
  const results: DrillRecord[] = []
  for (const drill of open) results.push(await untilOver(command, drill.id))
  command.print(results, () => (results.length === 0 ? ['no drill is under way'] : results.flatMap(recordLines)))
  return results.every(({ restored }) => restored === true) ? exitCodes.ok : exitCodes.failed
}

/** Another process may carry it out, of which nothing is heard here: it is asked for. */
async function untilOver({ client, signal }: Command, id: DrillId): Promise<DrillRecord> {
  for (let tries = 0; ; tries += 1) {
    const { record } = await client.call('drills.get', { drill: id })
    if (record.endedAt !== null || tries === mostAsked || signal.aborted) return record
    await sleep(askEveryMs)
  }
}
const askEveryMs = 250
const mostAsked = 1200

/** Every drill, or with `--trend` when each address was last proven to move. */
export async function drillList(
  command: Command,
  { router, trend, limit }: { router?: string; trend?: boolean; limit: number },
): Promise<ExitCode> {
  const { client, print } = command
  const query = router === undefined ? {} : { router: router as RouterId }
  const now = Date.now()
  if (trend) {
    const trends = await client.call('drills.trend', query)
    print(trends, () =>
      tableLines(
        ['router', 'address', 'last proven', 'no answer', 'predicted', 'runs'],
        trends.map(({ router: id, host, lastProvenAt, runs }) => {
          const proven = runs.find(({ at }) => at === lastProvenAt)
          const age = lastProvenAt === null ? 'never' : `${ageText(lastProvenAt, now)} ago`
          return [id, host, age, msText(proven?.outageMs ?? null), intervalText(proven?.predicted ?? null), String(runs.length)]
        }),
      ),
    )
    return exitCodes.ok
  }
  const list = await client.call('drills.list', { ...query, limit })
  print(list, () =>
    tableLines(
      ['drill', 'at', 'verdict', 'fault', 'on', 'no answer', 'restored', 'by', 'plan'],
      list.map((each) => [
        each.id,
        new Date(each.createdAt).toISOString(),
        each.verdict ?? each.state,
        each.plan.fault.kind,
        each.node,
        msText(worstOf(each)),
        each.restored === null ? '?' : each.restored ? 'yes' : 'NO',
        each.author,
        each.plan.name,
      ]),
    ),
  )
  return exitCodes.ok
}

/** `block` and `allow` need a reason; without a word it only says how it stands. */
export async function drillLever(
  command: Command,
  word: string | undefined,
  { reason }: { reason?: string },
): Promise<ExitCode> {
  const { client, print } = command
  if (word !== undefined && word !== 'block' && word !== 'allow') throw usageError('The lever takes "block" or "allow".')
  if (word !== undefined && reason === undefined) throw usageError('Say why with --reason.')
  const lever =
    word === undefined || reason === undefined
      ? await client.call('drills.lever', {})
      : await client.call('drills.setLever', { blocked: word === 'block', reason })
  print(lever, () => [lever.blocked ? `new drills are blocked by ${lever.by}: ${lever.reason}` : 'drills may be begun'])
  return exitCodes.ok
}

/** A dry run as a script: what is not a command is a comment. */
function checkLines(
  { plan, findings, node, prediction, blastRadius, inject, revert, obstacles, ready }: DrillCheck,
  file: string,
): string[] {
  const wrong = findings.map(
    ({ severity, path, line, message }) =>
      `# ${file}${line === null ? '' : `:${line}`}: ${severity}: ${path === '' ? '' : `${path}: `}${message}`,
  )
  if (plan === null) return wrong
  return [
    `# ${plan.name}`,
    `# ${plan.hypothesis}`,
    ...wrong,
    ...(prediction === null
      ? []
      : [
          `# predicted: ${prediction.moves ? `${plan.probe.host} moves to ${prediction.to ?? ''}` : 'nothing moves'}, no answer for ${outageText(prediction)}`,
          `#   ${prediction.formula}`,
          ...prediction.notes.map((note) => `#   ${note}`),
        ]),
    ...(blastRadius === '' ? [] : [`# hurts: ${blastRadius}`]),
    ...(plan.notify.length === 0 ? [] : [`# tell beforehand: ${plan.notify.join(', ')}`]),
    ...obstacles.map(({ blocking, message }) => `# ${blocking ? 'blocked' : 'mind'}: ${message}`),
    '',
    `# the fault, on ${node ?? 'nobody'}, for ${plan.holdMs} ms; the node takes it back after ${plan.guardMs} ms without a word`,
    ...inject,
    '',
    '# and back',
    ...revert,
    '',
    ready ? '# nothing stands against it' : '# it would not be begun',
  ]
}

function recordLines(record: DrillRecord): string[] {
  const { verdict, grounds, prediction, takeoverMs, differences, reportSha256, id } = record
  return [
    `${verdict ?? record.state}: ${record.plan.name}`,
    ...grounds.map((ground) => `  ${ground}`),
    ...tableLines(
      ['', 'predicted', 'measured'],
      [
        ['address moved after', intervalText(prediction.takeover), msText(takeoverMs)],
        ['no answer to new clients', intervalText(prediction.outage), msText(worstOf(record))],
      ],
    ),
    ...differences.map((difference) => `  differs: ${difference}`),
    `drill ${id}, report ${reportSha256?.slice(0, 12) ?? 'none'} ("evenkeel drill report ${id}")`,
  ]
}

function worstOf({ figures }: DrillRecord): number | null {
  const outages = figures.flatMap(({ outageMs }) => outageMs ?? [])
  return outages.length === 0 ? null : Math.max(...outages)
}

const msText = (ms: number | null): string => (ms === null ? '–' : `${Math.round(ms)} ms`)
const intervalText = (interval: Interval | null): string =>
  interval === null ? '–' : `${Math.round(interval.earliestMs)} to ${Math.round(interval.latestMs)} ms`
const outageText = ({ outage }: DrillPrediction): string => (outage === null ? 'as long as it stands' : intervalText(outage))

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw usageError(`${file} could not be read: ${cause instanceof Error ? cause.message : String(cause)}.`)
  }
}
