import { describe, expect, it } from 'vitest'
import { AppError } from '../../../../src-main/app/app-error.ts'
import { readConfigFiles, type ConfigRoots } from '../../../../src-main/drivers/linux/config-files.ts'
import { limits, refused, scriptedSession, type Answer } from './scripted-session.ts'

const now = 1_000_000

/** Files by path with the second in which each changed; a pattern is answered with all that begin as it does. */
function nodeWith(files: Record<string, { text: string | AppError; changedAt: number }>) {
  const texts = Object.fromEntries(
    Object.entries(files).flatMap(([path, { text }]) => (typeof text === 'string' ? [[path, text]] : [])),
  )
  const session = scriptedSession((argv): Answer => {
    const [, , script = '', , ...args] = argv
    if (!script.includes('stat -L')) {
      const start = args[0]?.split('*')[0] ?? ''
      return {
        stdout: Object.keys(files)
          .flatMap((path) => (path.startsWith(start) ? [`${path}\0`] : []))
          .join(''),
      }
    }
    const facts = args.map((path) =>
      files[path] === undefined ? '\0\0\0\0' : `${files[path].changedAt}\0root:root\x00640\x009\0`,
    )
    return { stdout: `${now}\0${facts.join('')}` }
  }, texts)
  const readFile = session.readFile.bind(session)
  session.readFile = async (path, options) => {
    const text = files[path]?.text
    if (text instanceof AppError) throw text
    return readFile(path, options)
  }
  return session
}
const roots = (uptimeS: number | null): ConfigRoots => ({
  paths: ['/etc/main'],
  includesOf: (_path, text) => text.split('\n').flatMap((line) => (line.startsWith('include ') ? [line.slice(8)] : [])),
  uptimeS,
})

describe('readConfigFiles', () => {
  it('follows includes and patterns, and reads each file once, also where they include each other', async () => {
    const session = nodeWith({
      '/etc/main': { text: 'include /etc/d/*\ninclude /etc/last', changedAt: 1 },
      '/etc/d/a': { text: 'include /etc/main', changedAt: 1 },
      '/etc/d/b': { text: 'include /etc/d/a', changedAt: 1 },
      '/etc/last': { text: '', changedAt: 1 },
    })
    const files = await readConfigFiles(session, roots(10), limits)
    expect(files.map(({ path }) => path)).toEqual(['/etc/main', '/etc/d/a', '/etc/d/b', '/etc/last'])
    expect(files[0]).toMatchObject({ owner: 'root:root', mode: '640', modifiedAt: 1000, loaded: 'loaded', error: null })
  })

  it('judges by the clock of the node what the process has read', async () => {
    const loadedAt = async (changedAt: number, uptimeS: number | null) => {
      const session = nodeWith({ '/etc/main': { text: '', changedAt } })
      return (await readConfigFiles(session, roots(uptimeS), limits))[0]?.loaded
    }
    expect(await loadedAt(now - 60, 60)).toBe('loaded')
    expect(await loadedAt(now - 59, 60), 'process times are whole seconds').toBe('loaded')
    expect(await loadedAt(now - 58, 60)).toBe('not-loaded')
    expect(await loadedAt(now, null), 'nothing runs').toBe('unknown')
  })

  it('tells of a file that is missing or refused beside the others, and goes on', async () => {
    const session = nodeWith({
      '/etc/main': { text: 'include /etc/gone\ninclude /etc/secret\ninclude /etc/last', changedAt: 1 },
      '/etc/secret': { text: refused, changedAt: 1 },
      '/etc/last': { text: 'x', changedAt: 1 },
    })
    const files = await readConfigFiles(session, roots(10), limits)
    expect(files.map(({ path, bytes, error }) => [path, bytes?.toString() ?? null, error?.code ?? null])).toEqual([
      ['/etc/main', 'include /etc/gone\ninclude /etc/secret\ninclude /etc/last', null],
      ['/etc/gone', null, 'exec.not-found'],
      ['/etc/secret', null, 'exec.not-permitted'],
      ['/etc/last', 'x', null],
    ])
    expect(files[1]).toMatchObject({ loaded: 'unknown', modifiedAt: null, owner: null })
  })

  it('is bounded, and ends when the connection does', async () => {
    const many = Array.from({ length: 300 }, (_, index) => `/etc/d/${index}`)
    const session = nodeWith({
      '/etc/main': { text: 'include /etc/d/*', changedAt: 1 },
      ...Object.fromEntries(many.map((path) => [path, { text: '', changedAt: 1 }])),
    })
    expect((await readConfigFiles(session, roots(10), limits)).length).toBe(200)
    const lost = nodeWith({ '/etc/main': { text: new AppError('ssh.connection-lost', 'It is gone.'), changedAt: 1 } })
    await expect(readConfigFiles(lost, roots(10), limits)).rejects.toMatchObject({ code: 'ssh.connection-lost' })
  })
})
