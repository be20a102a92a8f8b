/** What the command line of a running HAProxy says about where things are. */
export interface CommandLine {
  /** files and folders after `-f` and `--`, in order; absolute unless the working folder is not known */
  configFiles: string[]
  masterWorker: boolean
  /** path of the master socket (`-S`), without its bind options; null when there is none or it is not a unix socket */
  masterSocket: string | null
  pidFile: string | null
}

/** Options that take one value as a word of its own (haproxy(1), 2.6); others are flags or carry their value inside. */
const takesValue = new Set(['-f', '-C', '-S', '-p', '-x', '-n', '-N', '-L', '-m', '-r'])

/**
 * `workingFolder` is the process's own, or '' where this account may not see it: relative paths of `-f` are relative to it, or to `-C` where that stands.
 * After a reload the command line of a worker begins with `-sf <old pids> -x sockpair@…`.
 */
export function parseCommandLine(argv: readonly string[], workingFolder: string): CommandLine {
  const line: CommandLine = { configFiles: [], masterWorker: false, masterSocket: null, pidFile: null }
  const files: string[] = []
  let base = workingFolder
  let position = 1
  while (position < argv.length) {
    const option = argv[position++] ?? ''
    if (option === '--') {
      files.push(...argv.slice(position))
      break
    }
    if (option === '-sf' || option === '-st') {
      while (/^\d+$/.test(argv[position] ?? '')) position++
      continue
    }
    if (option === '-W' || option === '-Ws') line.masterWorker = true
    if (!takesValue.has(option)) continue
    const value = argv[position++] ?? ''
    if (option === '-f') files.push(value)
    else if (option === '-C') base = resolve(workingFolder, value)
    else if (option === '-p') line.pidFile = resolve(base, value)
    else if (option === '-S') line.masterSocket = unixPath(value.split(',')[0] ?? '')
  }
  line.configFiles = files.filter((file) => file !== '').map((file) => resolve(base, file))
  return line
}

/** Path of a unix socket address as HAProxy writes them (`/run/x`, `unix@/run/x`); null for any other family or a variable. */
export function unixPath(address: string): string | null {
  const path = address.startsWith('unix@') ? address.slice('unix@'.length) : address
  return path.startsWith('/') && !path.includes('$') ? path : null
}

function resolve(base: string, path: string): string {
  if (path.startsWith('/') || base === '') return path
  return `${base.replace(/\/+$/, '')}/${path.replace(/^\.\//, '')}`
}
