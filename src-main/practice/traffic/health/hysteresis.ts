/**
 * HAProxy's health counter (check.c, 2.6): 0 … rise + fall - 1, up from `rise` on. One pass while up restores it fully and one failure
 * while down empties it, so only failures, or passes, in a row change the state.
 */
export function nextHealth(health: number, passed: boolean, { rise, fall }: { rise: number; fall: number }): number {
  if (passed) return health + 1 >= rise ? rise + fall - 1 : health + 1
  return health > rise ? health - 1 : 0
}
