/** What `haproxy` was called with (haproxy(1), 2.6). */
export interface Options {
  readonly version: 'short' | 'long' | null
  readonly check: boolean
  readonly quiet: boolean
  readonly masterWorker: boolean
  /** `-dW`: a warning is fatal */
  readonly strict: boolean
  readonly files: readonly string[]
  readonly directory: string | null
  readonly pidFile: string | null
  /** path and bind options of `-S` */
  readonly masterSocket: string | null
  /** processes to finish (`-sf`) or to terminate (`-st`) once this one listens */
  readonly replaces: { readonly pids: readonly number[]; readonly signal: 'USR1' | 'TERM' } | null
}

const flags = new Set([
  '-c',
  '-q',
  '-V',
  '-D',
  '-W',
  '-Ws',
  '-d',
  '-db',
  '-dr',
  '-dW',
  '-dM',
  '-dR',
  '-dS',
  '-dG',
  '-dp',
  '-de',
  '-dV',
])
const values = new Set(['-f', '-C', '-p', '-S', '-x', '-n', '-N', '-m', '-L'])

/** Null: HAProxy shows its usage and ends with 1. */
export function parseOptions(argv: readonly string[]): Options | null {
  const seen = new Set<string>()
  const given = new Map<string, string[]>()
  const pids: number[] = []
  for (let at = 1; at < argv.length; at++) {
    const option = argv[at] ?? ''
    if (option === '-v' || option === '-vv') return { ...empty, version: option === '-v' ? 'short' : 'long' }
    if (option === '--') {
      given.set('-f', [...(given.get('-f') ?? []), ...argv.slice(at + 1)])
      break
    }
    if (option === '-sf' || option === '-st') {
      seen.add(option)
      for (; /^\d+$/.test(argv[at + 1] ?? ''); at++) pids.push(Number(argv[at + 1]))
    } else if (flags.has(option)) seen.add(option)
    else if (values.has(option)) {
      const value = argv[++at]
      if (value === undefined) return null
      given.set(option, [...(given.get(option) ?? []), value])
    } else return null
  }
  const last = (option: string): string | null => given.get(option)?.at(-1) ?? null
  const files = given.get('-f') ?? []
  if (files.length === 0) return null
  return {
    version: null,
    check: seen.has('-c'),
    quiet: seen.has('-q'),
    masterWorker: seen.has('-W') || seen.has('-Ws'),
    strict: seen.has('-dW'),
    files,
    directory: last('-C'),
    pidFile: last('-p'),
    masterSocket: last('-S'),
    replaces: pids.length === 0 ? null : { pids, signal: seen.has('-st') ? 'TERM' : 'USR1' },
  }
}

const empty: Options = {
  version: null,
  check: false,
  quiet: false,
  masterWorker: false,
  strict: false,
  files: [],
  directory: null,
  pidFile: null,
  masterSocket: null,
  replaces: null,
}
