import type { ConfigVersion } from '#contract'

/** Versions of configuration files as commits of a git repository, for those who look at them with git. */
export interface VersionMirror {
  /**
   * The id of the newest version that the repository has, 0 where it has none; makes a repository of a folder that is empty or not there.
   * @throws AppError `request.invalid`: the folder is something else, or git refuses it, with its words
   */
  newest(folder: string, signal: AbortSignal): Promise<number>
  /** One commit, with the author and time of the version. Errors as `newest`. */
  add(folder: string, version: ConfigVersion, bytes: Buffer, signal: AbortSignal): Promise<void>
}
