/** keepalived(8)'s command line, read as getopt_long(3) reads it. */
export interface Options {
  config: string
  pidFile: string
  vrrpPidFile: string
  detailed: boolean
  toSyslog: boolean
  toConsole: boolean
  /** null: do not test; '': to stderr; else the file to write to */
  test: string | null
  signum: string | null
  version: boolean
  help: boolean
  unexpected: string[]
}

type Argument = 'none' | 'required' | 'optional'

interface Option {
  letter: string | null
  long: string
  argument: Argument
  apply(options: Options, value: string): void
}

const nothing = (): void => undefined
const flag = (letter: string, long: string, apply: (options: Options) => void = nothing): Option => ({
  letter,
  long,
  argument: 'none',
  apply,
})
const valued = (
  letter: string | null,
  long: string,
  apply: (options: Options, value: string) => void,
  argument: Argument = 'required',
): Option => ({
  letter,
  long,
  argument,
  apply,
})

/** Those that change nothing on a practice machine are the ones about processes that it does not have or does not fork. */
const known: readonly Option[] = [
  valued('f', 'use-file', (options, value) => (options.config = value)),
  flag('P', 'vrrp'),
  flag('B', 'no_bfd'),
  flag('l', 'log-console', (options) => (options.toConsole = true)),
  flag('D', 'log-detail', (options) => (options.detailed = true)),
  flag('G', 'no-syslog', (options) => (options.toSyslog = false)),
  flag('n', 'dont-fork'),
  valued('p', 'pid', (options, value) => (options.pidFile = value)),
  valued('r', 'vrrp_pid', (options, value) => (options.vrrpPidFile = value)),
  valued(null, 'signum', (options, value) => (options.signum = value)),
  valued('t', 'config-test', (options, value) => (options.test = value), 'optional'),
  flag('v', 'version', (options) => (options.version = true)),
  flag('h', 'help', (options) => (options.help = true)),
]

/** The options, or keepalived's words about the first that it does not take. */
export function parseOptions(argv: readonly string[]): Options | string {
  const options: Options = {
    config: '/etc/keepalived/keepalived.conf',
    pidFile: '/run/keepalived.pid',
    vrrpPidFile: '/run/vrrp.pid',
    detailed: false,
    toSyslog: true,
    toConsole: false,
    test: null,
    signum: null,
    version: false,
    help: false,
    unexpected: [],
  }
  const words = argv.slice(1)
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') {
      options.unexpected.push(...words.splice(0))
    } else if (word.startsWith('--')) {
      const [name = '', value] = splitOnce(word.slice(2))
      const option = longOption(name)
      if (option === null || (value !== undefined && option.argument === 'none')) return `Unknown option ${word}`
      const taken = value ?? (option.argument === 'required' ? words.shift() : '')
      if (taken === undefined) return `Missing parameter for option --${name}`
      option.apply(options, taken)
    } else if (/^-./.test(word)) {
      for (let rest = word.slice(1); rest !== '';) {
        const letter = rest.slice(0, 1)
        rest = rest.slice(1)
        const option = known.find((one) => one.letter === letter)
        if (option === undefined) return `Unknown option -${letter}`
        const taken = option.argument === 'none' ? '' : option.argument === 'optional' || rest !== '' ? rest : words.shift()
        if (taken === undefined) return `Missing parameter for option -${letter}`
        option.apply(options, taken)
        if (option.argument !== 'none') rest = ''
      }
    } else options.unexpected.push(word)
  }
  return options
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf('=')
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/** Abbreviations count while they mean one option. */
function longOption(name: string): Option | null {
  const exact = known.find(({ long }) => long === name)
  if (exact !== undefined) return exact
  const candidates = known.filter(({ long }) => long.startsWith(name))
  return candidates.length === 1 ? (candidates[0] ?? null) : null
}
