import type { SignalName } from '../machine/machine.ts'

export const signals = { stop: 'TERM', quit: 'QUIT', reopen: 'USR1', reload: 'HUP' } as const satisfies Record<
  string,
  SignalName
>

export interface Options {
  readonly show: 'version' | 'build' | 'help' | null
  readonly test: 'test' | 'dump' | null
  readonly quiet: boolean
  readonly signal: keyof typeof signals | null
  /** ends with a slash */
  readonly prefix: string
  /** absolute */
  readonly config: string
  readonly directives: string | null
  /** `-e`; `stderr` unless told otherwise */
  readonly errorLog: string
}

const flags = new Set('?hvVtTq')
const missing: Readonly<Record<string, string>> = {
  p: 'requires directory name',
  e: 'requires file name',
  c: 'requires file name',
  g: 'requires parameter',
  s: 'requires parameter',
}

/** nginx's own reading of its command line (ngx_get_options): letters may stand together, a value may follow its letter directly. */
export function parseOptions(argv: readonly string[]): Options | { error: string } {
  const seen = new Set<string>()
  const values = new Map<string, string>()
  for (let at = 1; at < argv.length; at += 1) {
    const word = argv[at] ?? ''
    if (!word.startsWith('-')) return { error: `invalid option: "${word}"` }
    for (let place = 1; place < word.length; place += 1) {
      const letter = word.charAt(place)
      const complaint = missing[letter]
      if (flags.has(letter)) seen.add(letter)
      else if (complaint === undefined) return { error: `invalid option: "${letter}"` }
      else {
        const value = word.slice(place + 1) || argv[(at += 1)]
        if (value === undefined || value === '') return { error: `option "-${letter}" ${complaint}` }
        if (letter === 's' && !(value in signals)) return { error: `invalid option: "-s ${value}"` }
        values.set(letter, value)
        break
      }
    }
  }
  const prefix = (values.get('p') ?? '/usr/share/nginx').replace(/\/*$/, '/')
  const config = values.get('c') ?? '/etc/nginx/nginx.conf'
  const signal = values.get('s')
  return {
    show: seen.has('h') || seen.has('?') ? 'help' : seen.has('V') ? 'build' : seen.has('v') ? 'version' : null,
    test: seen.has('T') ? 'dump' : seen.has('t') ? 'test' : null,
    quiet: seen.has('q'),
    signal: signal === undefined ? null : (signal as keyof typeof signals),
    prefix,
    config: config.startsWith('/') ? config : prefix + config,
    directives: values.get('g') ?? null,
    errorLog: values.get('e') ?? 'stderr',
  }
}
