import { groupsOf, userName } from '../machine/accounts.ts'
import type { Program } from '../machine/machine.ts'
import { readOptions, word, WordError } from './word.ts'

const id = word((call) => {
  const { options, rest } = readOptions(call, 'ugGn')
  if (rest.length > 0) throw new WordError(`‘${rest[0] ?? ''}’: a practice machine tells only who you are`)
  const { files } = call.machine
  const name = (uid: number): string => userName(files, uid) ?? String(uid)
  const groups = groupsOf(files, call.uid)
  const groupName = (gid: number): string => {
    const line = files
      .read('/etc/group')
      .toString('utf8')
      .split('\n')
      .find((one) => one.split(':')[2] === String(gid))
    return line?.split(':')[0] ?? String(gid)
  }
  const [own = call.uid] = groups
  if (options.has('u')) call.stdout(`${options.has('n') ? name(call.uid) : call.uid}\n`)
  else if (options.has('g')) call.stdout(`${options.has('n') ? groupName(own) : own}\n`)
  else if (options.has('G')) call.stdout(`${groups.map((gid) => (options.has('n') ? groupName(gid) : gid)).join(' ')}\n`)
  else if (options.has('n')) throw new WordError('cannot print only names or real IDs in default format')
  else {
    const all = groups.map((gid) => `${gid}(${groupName(gid)})`).join(',')
    call.stdout(`uid=${call.uid}(${name(call.uid)}) gid=${own}(${groupName(own)}) groups=${all}\n`)
  }
  return 0
})

const uname = word((call) => {
  const { options } = readOptions(call, 'asnrvmo')
  const parts: [string, string][] = [
    ['s', 'Linux'],
    ['n', call.machine.name],
    ['r', '6.1.0-28-amd64'],
    ['v', '#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22)'],
    ['m', 'x86_64'],
    ['o', 'GNU/Linux'],
  ]
  const wanted = options.size === 0 ? ['s'] : [...options.keys()]
  call.stdout(
    `${parts.flatMap(([letter, text]) => (wanted.includes('a') || wanted.includes(letter) ? [text] : [])).join(' ')}\n`,
  )
  return 0
})

const hostname = word((call, words) => {
  if (words.length > 0 && words[0] !== '-s' && words[0] !== '-f') {
    throw new WordError(
      words[0]?.startsWith('-') === true
        ? `invalid option -- '${words[0].slice(1)}'`
        : 'you must be root to change the host name',
    )
  }
  call.stdout(`${call.machine.name}\n`)
  return 0
})

const whoami = word((call) => {
  call.stdout(`${userName(call.machine.files, call.uid) ?? call.uid}\n`)
  return 0
})

/** `date`, `date +FORMAT`, with -u; a practice machine lives in UTC. */
const date = word((call) => {
  const { rest } = readOptions(call, 'u')
  const [format = '+%a %b %e %H:%M:%S UTC %Y', extra] = rest
  if (extra !== undefined) throw new WordError(`extra operand ‘${extra}’\nTry 'date --help' for more information.`)
  if (!format.startsWith('+')) throw new WordError(`cannot set date: Operation not permitted`)
  const now = call.machine.clock.now()
  const [, weekday = '', day = '', month = '', year = ''] = /^(\w+), (\d+) (\w+) (\d+)/.exec(new Date(now).toUTCString()) ?? []
  const iso = new Date(now).toISOString()
  const values: Record<string, string> = {
    ...{
      s: String(Math.floor(now / 1000)),
      N: `${iso.slice(20, 23)}000000`,
      Y: year,
      m: iso.slice(5, 7),
      d: day,
      b: month,
      a: weekday,
    },
    ...{
      e: day.replace(/^0/, ' '),
      H: iso.slice(11, 13),
      M: iso.slice(14, 16),
      S: iso.slice(17, 19),
      F: iso.slice(0, 10),
      T: iso.slice(11, 19),
    },
    ...{ Z: 'UTC', z: '+0000', n: '\n', t: '\t', '%': '%' },
  }
  call.stdout(
    `${format.slice(1).replace(/%(.)/g, (all, letter: string) => {
      if (!Object.hasOwn(values, letter)) throw new WordError(`a practice machine does not know ${all} in a format`)
      return values[letter] ?? ''
    })}\n`,
  )
  return 0
})

const uptime = word((call, words) => {
  if (words.length > 0) throw new WordError(`invalid option -- '${words[0]?.replace(/^-+/, '') ?? ''}'`)
  const time = new Date(call.machine.clock.now()).toISOString().slice(11, 19)
  const seconds = Number(call.machine.files.read('/proc/uptime').toString('utf8').split(' ')[0])
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60]
  const clock = hours > 0 ? `${String(hours).padStart(2)}:${String(minutes).padStart(2, '0')}` : `${minutes} min`
  call.stdout(
    ` ${time} up ${days > 0 ? `${days} day${days > 1 ? 's' : ''}, ` : ''}${clock},  0 user,  load average: 0.00, 0.00, 0.00\n`,
  )
  return 0
})

const logger = word((call) => {
  const { options, rest } = readOptions(call, 't:p:i', { tag: 't', priority: 'p' })
  const lines = rest.length > 0 ? [rest.join(' ')] : call.stdin.toString('utf8').replace(/\n$/, '').split('\n')
  for (const line of lines) call.machine.syslog(options.get('t') ?? call.user, call.pid, line)
  return 0
})

export const identityWords: Readonly<Record<string, Program>> = { id, uname, hostname, whoami, date, uptime, logger }
