import type { Program, ProgramCall, SocketEntry } from '../machine/machine.ts'
import { word, WordError } from './word.ts'

/** `ss -Htnp state established [-F -]`, `ss -Hltnp`, `ss -tan`: the flags H t n p l a, a state, and a filter of `dst A:P` joined by `or`. */
export const ss: Program = word((call, words) => {
  const flags = new Set<string>()
  let established = false
  let filter: Set<string> | null = null
  while (words.length > 0) {
    const next = words.shift() ?? ''
    if (next === 'state') established = stateFrom(words.shift() ?? '')
    else if (next === '-F') filter = filterFrom(call, words.shift() ?? '')
    else if (/^-[Htnpla]+$/.test(next)) for (const letter of next.slice(1)) flags.add(letter)
    else
      throw new WordError(
        next.startsWith('-')
          ? `unrecognized option '${next}'`
          : `bison bellows (while parsing filter): "syntax error!" ${next}`,
        255,
      )
  }
  const shown = call.machine.network.sockets().filter((entry) => {
    const listed = flags.has('l') ? entry.state === 'LISTEN' : flags.has('a') && !established ? true : entry.state === 'ESTAB'
    return listed && (filter === null || (entry.remote !== null && filter.has(text(entry.remote))))
  })
  const withState = !established
  if (!flags.has('H')) call.stdout(`${withState ? 'State  ' : ''}Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n`)
  for (const entry of shown)
    call.stdout(`${withState ? entry.state.padEnd(7) : ''}0      0      ${line(call, entry, flags.has('p'))}\n`)
  return 0
})

function stateFrom(name: string): boolean {
  if (name !== 'established') throw new WordError(`wrong state name: ${name}`, 255)
  return true
}

const text = ({ address, port }: { address: string; port: number }): string => `${address}:${port}`

function line(call: ProgramCall, { local, remote, pid }: SocketEntry, withProcess: boolean): string {
  const owner = call.machine.processes.get(pid)
  // another account's processes are not shown to one without privilege
  const visible = withProcess && owner !== null && (call.uid === 0 || call.uid === owner.uid)
  const host = local.address === '*' ? '0.0.0.0' : local.address
  return `${text({ ...local, address: host })} ${remote === null ? '0.0.0.0:*' : text(remote)} ${visible ? `users:(("${owner.name}",pid=${pid},fd=3))` : ''}`
}

function filterFrom(call: ProgramCall, file: string): Set<string> {
  if (file !== '-') throw new WordError('a practice machine reads a filter only from stdin (-F -)', 255)
  const expression = call.stdin.toString('utf8').trim()
  const inside = /^\(\s*(.*?)\s*\)$/s.exec(expression)?.[1] ?? expression
  return new Set(
    inside.split(/\s+or\s+/).map((term) => {
      const endpoint = /^dst (\S+:\d+)$/.exec(term)?.[1]
      if (endpoint === undefined) throw new WordError(`bison bellows (while parsing filter): "syntax error!" ${term}`, 255)
      return endpoint
    }),
  )
}
