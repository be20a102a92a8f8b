import { posix, win32 } from 'node:path'

/**
 * Where Evenkeel keeps its databases: `EVENKEEL_DATA`, else the platform's convention for application data (XDG base directories 0.8,
 * `~/Library/Application Support`, `%APPDATA%`). XDG says to ignore a relative XDG_DATA_HOME.
 */
export function dataFolderFrom(env: NodeJS.ProcessEnv, platform: NodeJS.Platform, home: string): string {
  if (env['EVENKEEL_DATA']) return (platform === 'win32' ? win32 : posix).resolve(env['EVENKEEL_DATA'])
  if (platform === 'win32') return win32.join(env['APPDATA'] ?? win32.join(home, 'AppData', 'Roaming'), 'Evenkeel')
  if (platform === 'darwin') return posix.join(home, 'Library', 'Application Support', 'Evenkeel')
  const xdg = env['XDG_DATA_HOME']
  return posix.join(xdg !== undefined && posix.isAbsolute(xdg) ? xdg : posix.join(home, '.local', 'share'), 'evenkeel')
}
