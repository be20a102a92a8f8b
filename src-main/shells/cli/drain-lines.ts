import type { DrainPlan, DrainSticky, DrainView } from '#contract'

export function planLines(plan: DrainPlan): string[] {
  return [
    plan.title,
    ...plan.places.flatMap(({ nodeId, pool, server, via, commands, undoCommands, left, sticky }) => [
      `  ${pool}/${server} on ${nodeId} over ${via}: ${leftText(left)}`,
      ...commands.map((line) => `    ${line}`),
      ...undoCommands.map((line) => `    undo: ${line}`),
      ...(sticky === null ? ['    who sticks to it is not known: its files could not be read'] : sticky.map(stickyLine)),
    ]),
    ...plan.waves.slice(1).map((wave, index) => `  wave ${index + 2} of ${plan.waves.length}: ${wave.join(', ')}`),
    ...plan.leftOut.map(({ pool, server, nodeId, why }) => `  not done: ${pool}/${server} on ${nodeId}: ${why}`),
    ...plan.unreachable.map((node) => `  ${node} cannot be read now`),
    ...plan.floor.map(
      ({ wave, pool, nodeId, remaining, healthy, needed, holds }) =>
        `  ${plan.waves.length > 1 ? `wave ${wave}: ` : ''}${pool} on ${nodeId}: ${remaining} of ${healthy} that take traffic would remain, ${needed} must${holds ? '' : ': refused'}`,
    ),
    ...plan.forecast.shares
      .filter(({ before, after }) => before !== after)
      .map(
        ({ pool, nodeId, server, before, after, sessionsAfter, sessionLimit }) =>
          `  ${pool}/${server} on ${nodeId}: ${percent(before)} of new work, then ${percent(after)}${headroomText(sessionsAfter, sessionLimit)}`,
      ),
    `  empty ${plan.forecast.emptyInMs === null ? 'at a time that cannot be foretold' : `in about ${Math.ceil(plan.forecast.emptyInMs / 1000)} s`}`,
    ...plan.warnings.map(({ text }) => `  warning: ${text}`),
  ]
}

function stickyLine({ kind, name, written, file, line, entries }: DrainSticky): string {
  const what = {
    cookie: `clients with ${name} keep coming until it is in maintenance; only they know how many they are`,
    table: `${entries ?? 'an unknown number of'} entries of the table ${name} lead to it, until it is in maintenance`,
    hash: 'its clients are sent to other servers while it is out',
  }
  return `    sticky by "${written}" (${file}:${line}): ${what[kind]}`
}

export function drainLines(view: DrainView): string[] {
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
    ...view.leftOut.map(({ pool, server, nodeId, why }) => `  not done: ${pool}/${server} on ${nodeId}: ${why}`),
    ...(view.waves === null ? [] : [`  wave ${view.waves.number} of ${view.waves.of}${nextText(view)}`]),
    ...(view.endedAt === null ? [`  to put it back: evenkeel undrain ${view.id}`] : []),
  ]
}

function nextText({ next, endedAt, id }: DrainView): string {
  if (next.length === 0) return ''
  const told = endedAt === null ? `; to go on: evenkeel go-on ${id}; to stop: evenkeel stop-here ${id}` : ''
  return `, then ${next.join(', ')}${told}`
}

export function timelineLines({ timeline }: DrainView): string[] {
  return timeline.map(({ at, kind, text }) => `  ${new Date(at).toISOString()} ${kind.padEnd(11)} ${text}`)
}

function leftText({ sessions, oldSessions, queue, stuck }: NonNullable<DrainView['places'][number]['left']>): string {
  const parts = [`${sessions} sessions`, `${oldSessions ?? 'unknown'} on old workers`]
  if (queue > 0) parts.push(`${queue} queued`)
  if (stuck !== null && stuck > 0) parts.push(`${stuck} came since by cookie or stick table`)
  return parts.join(', ')
}

/** Only where there is a limit that a server that goes on taking work may reach. */
function headroomText(sessions: number | null, limit: number | null): string {
  if (sessions === null || limit === null || sessions === 0) return ''
  return `, ${Math.round(sessions)} of at most ${limit} sessions${sessions > limit ? ': over its limit' : ''}`
}

const percent = (share: number): string => `${Math.round(share * 100)} %`
