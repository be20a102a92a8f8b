import { describe, expect, it } from 'vitest'
import { chooseBrowser } from '../../../../src-main/shells/browser/app-window.ts'

const linux = { platform: 'linux' as const, env: { DISPLAY: ':0', PATH: '/usr/local/bin:/usr/bin' }, uid: 1000 }
const installed = (...paths: string[]) => ({ isExecutable: (path: string) => paths.includes(path) })

describe('chooseBrowser', () => {
  it('takes the first installed browser of the family', () => {
    expect(chooseBrowser({ ...linux, ...installed('/usr/bin/chromium', '/usr/bin/google-chrome') })).toEqual({
      browser: '/usr/bin/google-chrome',
    })
    expect(chooseBrowser({ ...linux, ...installed('/usr/bin/microsoft-edge') })).toEqual({ browser: '/usr/bin/microsoft-edge' })
  })

  it('opens under Wayland as well as under X', () => {
    const env = { WAYLAND_DISPLAY: 'wayland-0', PATH: '/usr/bin' }
    expect(chooseBrowser({ ...linux, env, ...installed('/usr/bin/chromium') })).toEqual({ browser: '/usr/bin/chromium' })
  })

  it('says why there is no window', () => {
    const chromium = installed('/usr/bin/chromium')
    expect(chooseBrowser({ ...linux, ...installed() })).toEqual({ why: expect.stringContaining('installed') as string })
    expect(chooseBrowser({ ...linux, ...chromium, env: { PATH: '/usr/bin' } })).toEqual({
      why: expect.stringContaining('display') as string,
    })
    expect(chooseBrowser({ ...linux, ...chromium, uid: 0 })).toEqual({ why: expect.stringContaining('root') as string })
  })

  it('knows the usual places of macOS and Windows', () => {
    const mac = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
    expect(chooseBrowser({ platform: 'darwin', env: {}, uid: 501, ...installed(mac) })).toEqual({ browser: mac })
    const edge = 'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe'
    const env = { 'PROGRAMFILES(X86)': 'C:\\Program Files (x86)' }
    expect(chooseBrowser({ platform: 'win32', env, uid: undefined, ...installed(edge) })).toEqual({ browser: edge })
  })
})
