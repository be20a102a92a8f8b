import type { DrainLeftOut, DrainPlace, DrainRecord, DrainState } from '#contract'
import { isDone } from './judge-place.ts'
import { waveText } from './waves.ts'

/** How the places together stand. Says nothing of `starting`, `failed` and `ended`, which are decided, not read. */
export function stateFrom(drain: DrainRecord): { state: DrainState; said: string } {
  const { goal, heldSince, places, onViolation } = drain
  const unread = places.filter(({ unreadSince, phase }) => unreadSince !== null && phase !== 'gone' && phase !== 'restored')
  const waiting = `${nodesOf(unread)} cannot be asked now`
  if (goal === 'back') {
    const said = unread.length > 0 ? `Being put back; ${waiting} and will follow.` : 'Being put back.'
    return { state: 'put-back', said }
  }
  const returned = places.filter(({ phase }) => phase === 'returned')
  if (returned.length > 0) {
    const next = onViolation === 'alarm' ? ' It is left so, as asked: put it back, or drain it again.' : ''
    const [first] = returned
    return { state: 'violated', said: `${first?.pool}/${first?.server} on ${nodesOf(returned)}: ${first?.said}${next}` }
  }
  if (unread.length > 0) return { state: 'waiting-for-node', said: `${waiting}; nothing is known of the drain there.` }
  const unset = places.filter(({ phase }) => phase === 'unset')
  if (unset.length > 0) return { state: 'waiting-for-node', said: `Not set on ${nodesOf(unset)} yet.` }
  if (places.every(isDone)) return { state: 'empty', said: `${emptyText(drain)}${waveText(drain)}` }
  if (heldSince !== null) return { state: 'held', said: `Held: kept out, and nothing is done by itself. ${leftText(places)}` }
  return { state: 'draining', said: leftText(places) }
}

/** What could not be taken out is not passed over where somebody reads that it may be switched off. */
function emptyText({ leftOut }: DrainRecord): string {
  if (leftOut.length === 0) return 'Empty on every balancer, and kept out.'
  return `Empty where it was drained, and kept out. Not done: ${leftOut.map(nameOf).join(', ')}, which may go on sending requests.`
}

const nameOf = ({ pool, server, nodeId }: DrainLeftOut): string => `${pool}/${server} on ${nodeId}`

function leftText(places: readonly DrainPlace[]): string {
  const left = places.flatMap(({ left: one }) => one ?? [])
  const sessions = left.reduce((total, one) => total + one.sessions + (one.oldSessions ?? 0), 0)
  const queue = left.reduce((total, one) => total + one.queue, 0)
  const parts = [`${sessions} ${sessions === 1 ? 'session' : 'sessions'} left`, ...(queue > 0 ? [`${queue} queued`] : [])]
  if (left.some((one) => one.oldSessions === null))
    parts.push('what is on every worker cannot be counted: HAProxy needs a master socket, nginx an address instead of a name')
  else if (sessions + queue === 0) parts.push('waiting for quiet: a request came in a moment ago')
  return `${parts.join(', ')}.`
}

function nodesOf(places: readonly DrainPlace[]): string {
  return [...new Set(places.map(({ nodeId }) => nodeId))].join(', ')
}
