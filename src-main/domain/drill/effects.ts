/** How each fault of the catalogue reaches VRRP and the clients (keepalived 2.2.7, HAProxy 2.6, nginx 1.22; measured in the lab). */
import type { FaultKind, Interval } from '#contract'
import type { FaultEffect, VrrpMember } from './prediction.ts'

const now: Interval = { earliestMs: 0, latestMs: 0 }
/** A check is run in a process of its own, and a refusal takes a moment. */
const checkRunMs = 100

export function effectOf(fault: FaultKind, owner: VrrpMember): FaultEffect {
  switch (fault) {
    case 'priority-drop':
      return { adverts: 'lower', priority: 1, after: now, served: true, back: 'listens', notes: [] }
    case 'keepalived-stop':
      return { adverts: 'farewell', after: now, served: false, back: 'starts', notes: [] }
    case 'keepalived-kill':
      return {
        adverts: 'silent',
        after: now,
        served: true,
        back: 'starts',
        notes: ['The killed daemon leaves the address behind: two nodes answer for it until it is started again.'],
      }
    case 'adverts-blocked':
      return {
        adverts: 'silent',
        after: now,
        served: true,
        back: 'resumes',
        notes: [
          'Both become masters. When they hear each other again, neighbours may keep to the wrong one until it is announced anew: with default settings that cost clients up to 32.5 s, which is why the rightful owner is announced when this is taken back.',
        ],
      }
    case 'link-down':
      return { adverts: 'silent', after: now, served: false, back: 'listens', notes: [] }
    case 'isolate':
    case 'site-loss':
      return { adverts: 'silent', after: now, served: false, back: 'resumes', notes: [] }
    case 'balancer-crash':
      return failedBalancer(owner, true)
    case 'balancer-hang':
      return failedBalancer(owner, owner.check?.asksForAnswer ?? false)
    case 'backend-loss':
      return {
        adverts: 'unchanged',
        after: now,
        served: false,
        back: 'listens',
        notes: ['VRRP does not look at backends, unless a check does: clients get errors for as long as this stands.'],
      }
  }
}

function failedBalancer({ check, priority }: VrrpMember, noticed: boolean): FaultEffect {
  if (check === null || !noticed) {
    const why =
      check === null
        ? 'Nothing on this node tells keepalived that the balancer is gone: clients get nothing for as long as this stands.'
        : `The check ${check.name} sees a process and does not ask it for an answer, so that a hung one passes.`
    return { adverts: 'unchanged', after: now, served: false, back: 'listens', notes: [why] }
  }
  const { intervalMs, fall, weight, name } = check
  const after = { earliestMs: (fall - 1) * intervalMs, latestMs: fall * intervalMs + checkRunMs }
  const base = {
    after,
    served: false,
    back: 'listens',
    notes: [`It is noticed by the check ${name}: ${fall} × ${intervalMs} ms.`],
  } as const
  if (weight === 0) return { ...base, adverts: 'farewell' }
  // A positive weight is one that is taken away when the check fails.
  return { ...base, adverts: 'lower', priority: Math.min(254, Math.max(1, priority - Math.abs(weight))) }
}
