/** A list of servers that go wave after wave, so that each wave comes back before the next one leaves. */
import type { DrainPlace, DrainRecord, DrainWaves } from '#contract'
import { isDone } from './judge-place.ts'

/** The targets of each wave. Without waves all of them go at once. */
export function wavesOf<T>(targets: readonly T[], waves: Pick<DrainWaves, 'size'> | undefined): T[][] {
  const size = waves?.size ?? targets.length
  const all: T[][] = []
  for (let from = 0; from < targets.length; from += size) all.push(targets.slice(from, from + size))
  return all
}

/** Whether the work on this wave is over, as far as checks can tell: it is empty, and each of its servers was down and is up again. */
export function isWellAgain({ goal, waves, heldSince, places }: DrainRecord): boolean {
  if (waves?.goOn !== 'healthy' || goal !== 'out' || heldSince !== null) return false
  const set = places.filter(isSet)
  return set.length > 0 && places.every(isDone) && set.every(({ wasDown, health }) => wasDown && health === 'up')
}

/** What a wave that is empty waits for; empty where nothing follows and nothing goes back by itself. */
export function waveText({ goal, waves, next, places }: Pick<DrainRecord, 'goal' | 'waves' | 'next' | 'places'>): string {
  if (waves === null) return ''
  const which = next.length === 0 ? 'The last wave' : `Wave ${waves.number} of ${waves.of}`
  const awaited = places.filter((place) => isSet(place) && !(place.wasDown && place.health === 'up'))
  if (waves.goOn === 'asked' || goal === 'maintenance' || awaited.length === 0) return ` ${which}: it waits for your word.`
  const names = [...new Set(awaited.map(({ pool, server }) => `${pool}/${server}`))].join(', ')
  return awaited.some(({ wasDown }) => !wasDown)
    ? ` ${which}: it goes on when the checks of ${names} have failed and pass again, or at your word.`
    : ` ${which}: it goes on when the checks of ${names} pass again.`
}

const isSet = ({ phase }: DrainPlace): boolean => phase === 'in-force'
