import { execFile } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import { promisify } from 'node:util'
import { AppError } from '../app/app-error.ts'
import type { VersionMirror } from '../app/ports/version-mirror.ts'

/** Commits carry the id of their version, so that the mirror knows by itself how far it is. */
const trailer = 'Evenkeel-Version'
const gitMs = 60_000
const email = 'evenkeel@localhost.invalid'

export function createGitMirror(): VersionMirror {
  async function git(folder: string, args: readonly string[], signal: AbortSignal, env = {}): Promise<string> {
    try {
      const options = { timeout: gitMs, signal, env: { ...process.env, GIT_TERMINAL_PROMPT: '0', ...env } }
      const { stdout } = await promisify(execFile)('git', ['-C', folder, ...args], options)
      return stdout
    } catch (cause) {
      signal.throwIfAborted()
      const { code, stderr = '', message } = cause as { code?: unknown; stderr?: string; message: string }
      const said = code === 'ENOENT' ? 'git is not installed on this computer' : stderr.trim() || message
      throw new AppError('request.invalid', `The mirror in ${folder} could not be written: ${said}.`, { cause })
    }
  }

  async function makeRepository(folder: string, signal: AbortSignal): Promise<void> {
    await mkdir(folder, { recursive: true })
    const entries = await readdir(folder)
    if (entries.includes('.git')) return
    if (entries.length > 0) {
      throw new AppError(
        'request.invalid',
        `${folder} has files in it and is no git repository; name an empty folder, or make it one with "git init".`,
      )
    }
    await git(folder, ['init', '-q'], signal)
  }

  return {
    async newest(folder, signal) {
      await makeRepository(folder, signal)
      const refs = await git(folder, ['for-each-ref', '--count=1'], signal)
      if (refs === '') return 0
      const format = `--format=%(trailers:key=${trailer},valueonly)`
      const said = await git(folder, ['log', '-1', `--grep=^${trailer}: `, format], signal)
      return Number(said.trim()) || 0
    },

    async add(folder, { id, nodeId, path, at, source, author, reason, push }, bytes, signal) {
      const place = posix.normalize(posix.join(nodeId, path))
      if (!place.startsWith(`${nodeId}/`) || place.split('/').includes('.git')) {
        throw new AppError('request.invalid', `${path} of ${nodeId} cannot be a file of a git repository.`)
      }
      const file = join(folder, place)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, bytes)
      const who = author ?? 'evenkeel'
      const message = [
        `${nodeId}: ${path} ${source === 'pushed' ? 'pushed' : 'as it was found'}`,
        ...(reason === null ? [] : [reason]),
        [`${trailer}: ${id}`, ...(push === null ? [] : [`Evenkeel-Push: ${push}`])].join('\n'),
      ].join('\n\n')
      const date = new Date(at).toISOString()
      const env = {
        ...{ GIT_AUTHOR_NAME: who, GIT_AUTHOR_EMAIL: email, GIT_AUTHOR_DATE: date },
        ...{ GIT_COMMITTER_NAME: 'evenkeel', GIT_COMMITTER_EMAIL: email, GIT_COMMITTER_DATE: date },
      }
      await git(folder, ['add', '--', place], signal)
      // also where it says what it said before: that it was pushed again is part of the history
      await git(folder, ['commit', '-q', '--allow-empty', '--only', '-m', message, '--', place], signal, env)
    },
  }
}
