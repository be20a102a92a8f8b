/**
 * The addresses that were typed, separated by blanks or commas. One without a port stands for all of its ports that are known.
 * `unknown`: what no server has.
 */
export function addressesFrom(text: string, known: Iterable<string>): { addresses: string[]; unknown: string[] } {
  const all = new Set(known)
  const addresses = new Set<string>()
  const unknown: string[] = []
  for (const word of text.split(/[\s,]+/).filter((each) => each !== '')) {
    const found = all.has(word) ? [word] : [...all].filter((address) => address.replace(/:\d+$/, '') === word)
    if (found.length === 0) unknown.push(word)
    for (const address of found) addresses.add(address)
  }
  return { addresses: [...addresses], unknown }
}
