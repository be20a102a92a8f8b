import { writeFile } from 'node:fs/promises'
import { applyEdits, type ConfigIntent, type ServerOption, type ServiceKind } from '#contract'
import { diffLines } from './config-diff.ts'
import { configFile } from './config-source.ts'
import { exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import type { Command } from './run-command.ts'

export interface SetOptions {
  kind?: ServiceKind
  server?: string
  router?: string
  add?: string
  /** true: the server itself */
  remove?: string | true
  diff?: boolean
  write?: boolean
}

/** Changes one local file in the words of the trade; every other byte stays. Prints the file, or with `diff` what differs. */
export async function setConfig(
  command: Command,
  path: string,
  settings: readonly string[],
  options: SetOptions,
): Promise<ExitCode> {
  const { client, terminal, signal, print } = command
  const { file, encoding } = await configFile(path, options.kind)
  let { text } = file
  for (const intent of intentsFrom(file.kind, settings, options)) {
    const found = await client.call('config.edit', { files: [{ ...file, text }], intent }, signal)
    for (const { edits } of found) text = applyEdits(text, edits)
  }
  if (encoding === 'latin1' && /[^\0-\xff]/.test(text))
    throw usageError(`${path} is not UTF-8, and what was given cannot be written in it: give it in ASCII.`)
  const bytes = Buffer.from(text, encoding)
  if (options.write) {
    await writeFile(path, bytes).catch((cause: unknown) => {
      throw usageError(`${path} could not be written: ${cause instanceof Error ? cause.message : String(cause)}.`)
    })
  }
  if (options.diff || options.write) {
    const diff = await client.call('config.diff', { before: [file], after: [{ ...file, text }] }, signal)
    print(diff, () => diffLines(diff, path, path))
  } else terminal.raw(bytes)
  return exitCodes.ok
}

function intentsFrom(kind: ServiceKind, settings: readonly string[], options: SetOptions): ConfigIntent[] {
  const { server, router, add, remove } = options
  if ((server === undefined) === (router === undefined)) throw usageError('Say what is to be changed: --server or --router.')
  if (add !== undefined && remove !== undefined) throw usageError('Give --add or --remove, not both.')
  const values = settings.map(settingFrom)
  if (add === undefined && (remove === undefined) === (values.length === 0))
    throw usageError('Give what is to be set (weight=3), --add or --remove.')
  return server === undefined
    ? routerIntents(kind, router ?? '', values, options)
    : serverIntents(kind, server, values, options)
}

function serverIntents(kind: ServiceKind, name: string, values: ServerOption[], { add, remove }: SetOptions): ConfigIntent[] {
  if (kind === 'keepalived') throw usageError('Servers stand in the files of HAProxy and nginx: give --router for keepalived.')
  // a member of nginx may be a socket, which has slashes of its own
  const [, pool, server] = /^([^/]+)\/(.+)$/.exec(name) ?? []
  if (pool === undefined || server === undefined) throw usageError(`"${name}" is no server: write pool/server.`)
  const of = { kind, pool, server }
  if (add !== undefined) return [{ what: 'server.add', ...of, address: add, options: values }]
  if (remove === true) return [{ what: 'server.remove', ...of }]
  if (remove !== undefined) throw usageError('--remove takes no value with --server.')
  return values.map((each) => ({ what: 'server.set', ...of, ...each }))
}

const routerKeywords = ['state', 'priority', 'advert_int', 'nopreempt'] as const

function routerIntents(kind: ServiceKind, router: string, values: ServerOption[], { add, remove }: SetOptions): ConfigIntent[] {
  if (kind !== 'keepalived') throw usageError('Virtual routers stand in the files of keepalived: give --server otherwise.')
  if (remove === true) throw usageError('Say which address is to be removed: --remove 198.51.100.9/24.')
  const of = { kind, router }
  return [
    ...(add === undefined ? [] : [{ what: 'router.addAddress' as const, ...of, address: add }]),
    ...(remove === undefined ? [] : [{ what: 'router.removeAddress' as const, ...of, address: remove }]),
    ...values.map(({ option, value }) => {
      const keyword = routerKeywords.find((each) => each === option)
      if (keyword === undefined) throw usageError(`"${option}" cannot be set here: ${routerKeywords.join(', ')} can.`)
      return { what: 'router.set' as const, ...of, keyword, value }
    }),
  ]
}

/** `weight=3`, `check`, `check=off`; `weight=` takes the server's own value away. */
function settingFrom(setting: string): ServerOption {
  const [, option, , value] = /^([a-z][a-z0-9_-]*)(=(.*))?$/.exec(setting) ?? []
  if (option === undefined) throw usageError(`"${setting}" sets nothing: write option=value, option, or option=off.`)
  if (value === undefined || value === 'on') return { option, value: true }
  if (value === 'off') return { option, value: false }
  return { option, value: value === '' ? null : value }
}
