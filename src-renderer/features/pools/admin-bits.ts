/**
 * HAProxy's `srv_admin_state` (management guide, `show servers state`), a decimal sum of bits. The CSV's status word hides some of
 * them: a draining server whose check fails reads DOWN, so the bits are shown beside the word.
 */
export const adminBits = [
  { bit: 0x01, name: 'forced-maintenance' },
  { bit: 0x02, name: 'inherited-maintenance' },
  { bit: 0x04, name: 'configured-disabled' },
  { bit: 0x08, name: 'forced-drain' },
  { bit: 0x10, name: 'inherited-drain' },
  { bit: 0x20, name: 'resolution-maintenance' },
  { bit: 0x40, name: 'name-set-at-run-time' },
] as const
export type AdminBitName = (typeof adminBits)[number]['name']

/** The names of the bits that are set, lowest first. */
export function adminBitNames(state: number): AdminBitName[] {
  return adminBits.filter(({ bit }) => (state & bit) !== 0).map(({ name }) => name)
}

/** Drain was asked for here by an operator (not inherited from a tracked server). */
export function isForcedDrain(state: number): boolean {
  return (state & 0x08) !== 0
}

/** Maintenance was asked for here by an operator. */
export function isForcedMaintenance(state: number): boolean {
  return (state & 0x01) !== 0
}
