import type { Program, ProgramCall, SocketEntry } from '../machine/machine.ts'
import { word, WordError } from './word.ts'

/**
 * `ss -Htnp state established [-F -]`, `ss -Hltnp`, `ss -tan`: the flags H t n p i l a, states, and a filter of `dst A:P` or
 * `( src A:P and dst A:P )` joined by `or`. With K (`ss -K …`) the connections that it shows are ended.
 */
export const ss: Program = word((call, words) => {
  const flags = new Set<string>()
  const states = new Set<string>()
  let filter: Filter | null = null
  while (words.length > 0) {
    const next = words.shift() ?? ''
    if (next === 'state') states.add(stateFrom(words.shift() ?? ''))
    else if (next === '-F') filter = filterFrom(call, words.shift() ?? '')
    else if (/^-[HtnpilaK]+$/.test(next)) for (const letter of next.slice(1)) flags.add(letter)
    else
      throw new WordError(
        next.startsWith('-')
          ? `unrecognized option '${next}'`
          : `bison bellows (while parsing filter): "syntax error!" ${next}`,
        255,
      )
  }
  const mayShow = states.size === 0 || states.has('established')
  const shown = call.machine.network.sockets().filter((entry) => {
    const listed = flags.has('l')
      ? entry.state === 'LISTEN'
      : states.size === 0 && flags.has('a')
        ? true
        : entry.state === 'ESTAB' && mayShow
    return listed && (filter === null || filter(entry))
  })
  // one state goes without saying
  const withState = states.size !== 1
  if (!flags.has('H')) call.stdout(`${withState ? 'State  ' : ''}Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n`)
  const ends = flags.has('K')
  if (ends && call.uid !== 0) throw new WordError('RTNETLINK answers: Operation not permitted', 255)
  for (const entry of shown) if (ends && entry.remote !== null) call.machine.network.endConnection(entry.local, entry.remote)
  for (const entry of shown)
    call.stdout(
      `${withState ? entry.state.padEnd(7) : ''}0      0      ${line(call, entry, flags.has('p'))}\n${flags.has('i') ? counts(entry) : ''}`,
    )
  return 0
})

/** Loopback connections here are open or not there: nobody is ever seen on the way to or from that. */
function stateFrom(name: string): string {
  if (!['established', 'syn-sent', 'close-wait'].includes(name)) throw new WordError(`wrong state name: ${name}`, 255)
  return name
}

/** The line that -i adds, as far as the kernel counts here; it leaves out what is 0. */
function counts({ bytesSent, bytesReceived }: SocketEntry): string {
  const sent = bytesSent === 0 ? '' : ` bytes_sent:${bytesSent} bytes_acked:${bytesSent}`
  return `\t cubic${sent}${bytesReceived === 0 ? '' : ` bytes_received:${bytesReceived}`}\n`
}

const text = ({ address, port }: { address: string; port: number }): string => `${address}:${port}`

function line(call: ProgramCall, { local, remote, pid }: SocketEntry, withProcess: boolean): string {
  const owner = call.machine.processes.get(pid)
  // another account's processes are not shown to one without privilege
  const visible = withProcess && owner !== null && (call.uid === 0 || call.uid === owner.uid)
  const host = local.address === '*' ? '0.0.0.0' : local.address
  return `${text({ ...local, address: host })} ${remote === null ? '0.0.0.0:*' : text(remote)} ${visible ? `users:(("${owner.name}",pid=${pid},fd=3))` : ''}`
}

type Filter = (entry: SocketEntry) => boolean

function filterFrom(call: ProgramCall, file: string): Filter {
  if (file !== '-') throw new WordError('a practice machine reads a filter only from stdin (-F -)', 255)
  const expression = call.stdin.toString('utf8').trim()
  const inside = /^\(\s*(.*?)\s*\)$/s.exec(expression)?.[1] ?? expression
  const wanted = new Set(
    inside.split(/\s+or\s+/).map((term) => {
      const [, source, both, destination] = /^(?:\( src (\S+:\d+) and dst (\S+:\d+) \)|dst (\S+:\d+))$/.exec(term) ?? []
      if (both === undefined && destination === undefined)
        throw new WordError(`bison bellows (while parsing filter): "syntax error!" ${term}`, 255)
      return destination ?? `${source} ${both}`
    }),
  )
  return ({ local, remote }) => remote !== null && (wanted.has(text(remote)) || wanted.has(`${text(local)} ${text(remote)}`))
}
