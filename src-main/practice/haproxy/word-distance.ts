/*
 * How HAProxy finds what somebody may have meant (src/tools.c of 2.6): a word's fingerprint counts which character follows which, and the
 * distance of two words is the sum of the squared differences.
 */
const [begin, end] = [28, 29]

/** letters 1 to 26, digits 27, anything else 28 */
function classOf(character: string): number {
  const code = character.toLowerCase().charCodeAt(0) - 96
  if (code >= 1 && code <= 26) return code
  return /[0-9]/.test(character) ? 27 : 28
}

export function fingerprintOf(words: readonly string[]): Uint8Array {
  const print = new Uint8Array(1024)
  const count = (at: number) => (print[at] = (print[at] ?? 0) + 1)
  for (const word of words) {
    let from = begin
    for (const character of word) {
      const to = classOf(character)
      print[to] = 1
      count(32 * from + to)
      from = to
    }
    count(32 * from + end)
  }
  return print
}

export function distanceOf(one: Uint8Array, other: Uint8Array): number {
  return one.reduce((sum, value, at) => sum + (value - (other[at] ?? 0)) ** 2, 0)
}

/** What `; did you mean 'x' maybe ?` names; null when nothing is near. */
export function nearestWord(word: string, known: Iterable<string>): string | null {
  const print = fingerprintOf([word])
  let best: { word: string; distance: number } | null = null
  for (const candidate of known) {
    const distance = distanceOf(print, fingerprintOf([candidate]))
    if (best === null || distance < best.distance) best = { word: candidate, distance }
  }
  if (best === null || best.distance > 2 * word.length || best.distance > 2 * best.word.length) return null
  return best.word
}
