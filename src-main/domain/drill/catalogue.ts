/** The faults that can be rehearsed, the gentlest first. */
import type { CatalogueEntry } from '#contract'

export const catalogue: readonly Omit<CatalogueEntry, 'prediction'>[] = [
  {
    kind: 'priority-drop',
    risk: 1,
    summary: 'The node says of itself that others come before it; nothing stops.',
    revert: 'Its priority is as before.',
    blastRadius: 'The addresses of this virtual router. Open connections break once at each move.',
  },
  {
    kind: 'keepalived-stop',
    risk: 2,
    summary: 'keepalived is stopped in good order: it tells the others and gives the addresses up.',
    revert: 'It is started again.',
    blastRadius: 'Every virtual router of the node; nobody answers until another member has its turn.',
  },
  {
    kind: 'keepalived-kill',
    risk: 3,
    summary: 'keepalived dies at once and leaves its addresses behind (a zombie address).',
    revert: 'It is started again, and an address that was left is taken away.',
    blastRadius: 'Every virtual router of the node: two nodes answer for their addresses until it is started again.',
  },
  {
    kind: 'balancer-crash',
    risk: 3,
    summary: 'HAProxy or nginx dies; keepalived learns of it by a check, if there is one.',
    revert: 'It is started again.',
    blastRadius: 'Everything that the balancer on this node serves, until a check moves the addresses.',
  },
  {
    kind: 'balancer-hang',
    risk: 3,
    summary: 'HAProxy or nginx stands still and answers nobody, its process still there.',
    revert: 'It goes on.',
    blastRadius: 'Everything that the balancer on this node serves; a check that only looks for the process does not notice.',
  },
  {
    kind: 'link-down',
    risk: 4,
    summary: 'The interface of the addresses goes down.',
    revert: 'It comes up again.',
    blastRadius: 'Everything on that interface; where it is the way to the node, only the guard can bring it back.',
  },
  {
    kind: 'isolate',
    risk: 4,
    summary: 'The node neither hears nor is heard, but for the console.',
    revert: 'It is on the network again.',
    blastRadius: 'Everything the node serves, and the way to its backends.',
  },
  {
    kind: 'adverts-blocked',
    risk: 5,
    summary: 'The members no longer hear each other: both become masters (split brain).',
    revert: 'They hear each other again, and the rightful owner is announced.',
    blastRadius: 'Clients reach one member or the other; healing it can cost more than the split.',
  },
  {
    kind: 'backend-loss',
    risk: 4,
    summary: 'The node no longer reaches its backends.',
    revert: 'It reaches them again.',
    blastRadius:
      'Everything the balancer on this node serves gets errors; the address stays, unless a check asks the backends.',
  },
  {
    kind: 'site-loss',
    risk: 5,
    summary: 'All members of the site are cut off at once, but for the console.',
    revert: 'They are on the network again, the one that had the address first.',
    blastRadius: 'Everything these nodes serve; where no member stands elsewhere, nobody has the address.',
  },
]
