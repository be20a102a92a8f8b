/** One line of `show sess`, as far as a drain looks at it. */
export interface SessionRow {
  /** for `shutdown session` on the same worker */
  pointer: string
  source: string
  frontend: string
  ageMs: number
}

const unitMs: Record<string, number> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 }

/**
 * The sessions that one server of one backend has. Lines look like
 * `0x55c3a354edf0: proto=tcpv4 src=127.0.0.1:54800 fe=f be=be srv=s2 ts=00 epoch=0 age=1m3s calls=3 …` (2.6.12). The command line's own
 * session is among them, with `be=<NONE>`.
 */
export function parseSessions(text: string, pool: string, server: string): SessionRow[] {
  const wanted = ` be=${pool} srv=${server} `
  return text.split('\n').flatMap((line) => {
    if (!line.includes(wanted)) return []
    const match = /^(0x[0-9a-f]+): proto=\S+ src=(\S+) fe=(\S+) .*? age=(\S+) /.exec(line)
    if (match === null) return []
    const [, pointer = '', source = '', frontend = '', age = ''] = match
    return [{ pointer, source, frontend, ageMs: ageFrom(age) }]
  })
}

/** `5d3h`, `1m30s`, `4s` */
function ageFrom(text: string): number {
  let ageMs = 0
  for (const [, count = '0', unit = 's'] of text.matchAll(/(\d+)([dhms])/g)) ageMs += Number(count) * (unitMs[unit] ?? 0)
  return ageMs
}
