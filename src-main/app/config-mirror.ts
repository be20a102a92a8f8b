import { isUtf8 } from 'node:buffer'
import type { ConfigVersion } from '#contract'
import { maskSecrets } from '../domain/config-text/mask-secrets.ts'
import { AppError } from './app-error.ts'
import type { ConfigVersions } from './config-versions.ts'
import type { VersionMirror } from './ports/version-mirror.ts'

const pageSize = 200

export type ConfigMirror = (folder: string, signal: AbortSignal) => Promise<{ commits: number; newest: number }>

/**
 * Brings every version that a git repository does not have yet into it, the oldest first. Passwords are masked: a repository is handed about.
 * Cut short, it goes on where it was the next time.
 */
export function createConfigMirror({
  versions,
  mirror,
}: {
  versions: Pick<ConfigVersions, 'list' | 'text'>
  mirror: VersionMirror
}): ConfigMirror {
  /** newer than `id`, the oldest first */
  function since(id: number): ConfigVersion[] {
    const found: ConfigVersion[] = []
    let before: number | undefined
    for (;;) {
      const page = versions.list({ limit: pageSize, before })
      found.push(...page.filter((version) => version.id > id))
      const last = page.at(-1)
      if (last === undefined || page.length < pageSize || last.id <= id) return found.reverse()
      before = last.id
    }
  }

  return async (folder, signal) => {
    if (!folder.startsWith('/') && !/^[A-Za-z]:\\/.test(folder)) {
      throw new AppError('request.invalid', `"${folder}" does not say where: name the folder from the root on.`)
    }
    let newest = await mirror.newest(folder, signal)
    let commits = 0
    for (const { id } of since(newest)) {
      signal.throwIfAborted()
      const { version, bytes } = await versions.text(id)
      const encoding = isUtf8(bytes) ? 'utf8' : 'latin1'
      const { text } = maskSecrets(version.kind, bytes.toString(encoding), () => '')
      await mirror.add(folder, version, Buffer.from(text, encoding), signal)
      newest = id
      commits += 1
    }
    return { commits, newest }
  }
}
