import type { HttpListen, LocationSettings, ServerSettings } from '../config/http-settings.ts'
import { patternOf } from '../config/text.ts'

/** The server that a name leads to: exact, `*.` and `.` before the longest, `.*` behind the longest, patterns in their order, the default. */
export function chooseServer({ servers, fallback }: HttpListen, host: string): ServerSettings {
  const candidates = servers.flatMap((server) => server.names.map((name) => ({ server, name })))
  const longest = (fits: (name: string) => boolean): ServerSettings | undefined =>
    candidates.filter(({ name }) => fits(name)).sort((one, other) => other.name.length - one.name.length)[0]?.server
  return (
    candidates.find(({ name }) => name === host || name === `.${host}`)?.server ??
    longest((name) => /^\*?\./.test(name) && host.endsWith(name.replace(/^\*/, ''))) ??
    longest((name) => name.endsWith('.*') && host.startsWith(name.slice(0, -1))) ??
    candidates.find(({ name }) => name.startsWith('~') && patternOf(name).test(host))?.server ??
    fallback
  )
}

interface FoundLocation {
  readonly location: LocationSettings
  readonly captures: readonly string[]
  /** an exact or a pattern's match, which ends the search */
  readonly isFinal: boolean
}

/** ngx_http_core_find_location (1.22.1): exact; the longest prefix and what is inside it; unless that says `^~`, the patterns in their order. */
export function chooseLocation(locations: readonly LocationSettings[], path: string): FoundLocation | null {
  const exact = locations.find((each) => each.match === '=' && each.path === path)
  if (exact !== undefined) return { location: exact, captures: [], isFinal: true }
  const prefixes = locations.filter(({ match, path: start }) => (match === '' || match === '^~') && path.startsWith(start))
  const [prefix] = prefixes.sort((one, other) => other.path.length - one.path.length)
  let found: FoundLocation | null = null
  if (prefix !== undefined) {
    found = chooseLocation(prefix.inside, path) ?? { location: prefix, captures: [], isFinal: false }
    if (found.isFinal || prefix.match === '^~') return found
  }
  for (const location of locations) {
    const captures = location.match instanceof RegExp ? location.match.exec(path) : null
    if (captures === null) continue
    const inside = chooseLocation(location.inside, path)
    return { captures, ...inside, location: inside?.location ?? location, isFinal: true }
  }
  return found
}
