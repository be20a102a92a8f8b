import { expect, test } from 'vitest'
import { dataFolderFrom } from '../../src-main/data-folder.ts'

test('EVENKEEL_DATA wins, on every platform', () => {
  for (const platform of ['linux', 'darwin'] as const)
    expect(dataFolderFrom({ EVENKEEL_DATA: '/srv/ek' }, platform, '/home/mk')).toBe('/srv/ek')
  expect(dataFolderFrom({ EVENKEEL_DATA: 'D:\\ek' }, 'win32', 'C:\\Users\\mk')).toBe('D:\\ek')
})

test('else the convention of the platform', () => {
  expect(dataFolderFrom({}, 'linux', '/home/mk')).toBe('/home/mk/.local/share/evenkeel')
  expect(dataFolderFrom({ XDG_DATA_HOME: '/data' }, 'linux', '/home/mk')).toBe('/data/evenkeel')
  expect(dataFolderFrom({}, 'darwin', '/Users/mk')).toBe('/Users/mk/Library/Application Support/Evenkeel')
  expect(dataFolderFrom({ APPDATA: 'C:\\Users\\mk\\AppData\\Roaming' }, 'win32', 'C:\\Users\\mk')).toBe(
    'C:\\Users\\mk\\AppData\\Roaming\\Evenkeel',
  )
})

test('a relative XDG_DATA_HOME is ignored, as the specification says', () => {
  expect(dataFolderFrom({ XDG_DATA_HOME: 'data' }, 'linux', '/home/mk')).toBe('/home/mk/.local/share/evenkeel')
})
