/**
 * The packed desktop application, without Electron's binary: electron-builder's `dir` target is given a stand-in for it, and
 * the pack is opened and looked at. Needs `out/` (npm run build).
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const configuration = () => parse(readFileSync(join(root, 'electron-builder.yml'), 'utf8')) as Record<string, unknown>
const isBuilt = existsSync(join(root, 'out/main/desktop.js'))
let folder: string
let app: string
let asar: typeof import('@electron/asar')

it('turns off every way to make the packed binary a Node', () => {
  expect(configuration()['electronFuses']).toEqual({
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableCookieEncryption: true,
    onlyLoadAppFromAsar: true,
    enableEmbeddedAsarIntegrityValidation: true,
    grantFileProtocolExtraPrivileges: false,
  })
})

describe.skipIf(process.platform !== 'linux' || !isBuilt)('the packed application (linux, after npm run build)', () => {
  beforeAll(async () => {
    asar = await import('@electron/asar')
    folder = mkdtempSync(join(tmpdir(), 'evenkeel-pack-'))
    const electronDist = join(folder, 'electron')
    mkdirSync(electronDist)
    for (const name of ['electron', 'version', 'LICENSE', 'LICENSES.chromium.html'])
      writeFileSync(join(electronDist, name), 'stand-in')
    // Fuses are bits inside Electron's own binary: there is none to flip them in here.
    const config = { ...configuration(), electronFuses: undefined, electronDist, directories: { output: join(folder, 'dist') } }
    const configFile = join(folder, 'electron-builder.json')
    writeFileSync(configFile, JSON.stringify(config))
    const builder = join(root, 'node_modules/electron-builder/cli.js')
    execFileSync(process.execPath, [builder, '--dir', '--publish', 'never', '--config', configFile, '--projectDir', root], {
      cwd: root,
      stdio: 'pipe',
    })
    app = join(folder, 'dist/linux-unpacked/resources')
  }, 120_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const files = () => asar.listPackage(join(app, 'app.asar'), { isPack: false })

  it('holds the shells, the window, the preload and the two packages left outside the bundle', () => {
    expect(files()).toEqual(
      expect.arrayContaining([
        '/package.json',
        '/out/main/desktop.js',
        '/out/main/practice-fleet.js',
        '/out/preload/index.cjs',
        '/out/renderer/index.html',
        '/node_modules/ssh2/package.json',
      ]),
    )
  })

  it('holds nothing of the development tree', () => {
    const foreign = files().filter((file) =>
      /^\/(src-|tests|docs|resources|\.ci|\.lab|tsconfig|eslint|node_modules\/(vue|vite|electron|typescript|vitest|node-linux-\w+)\b)/.test(
        file,
      ),
    )
    expect(foreign).toEqual([])
    expect(files().filter((file) => file.endsWith('.ts') || file.endsWith('.map'))).toEqual([])
  })

  it('keeps the native module outside the archive, once, and it loads from there', () => {
    const unpacked = join(app, 'app.asar.unpacked')
    const native = readdirSync(unpacked, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.node'))
    expect(native).toHaveLength(1)
    const copy = join(folder, 'extracted')
    asar.extractAll(join(app, 'app.asar'), copy)
    const script = `const D = require(${JSON.stringify(join(copy, 'node_modules/better-sqlite3'))});
      console.log(new D(':memory:', { nativeBinding: ${JSON.stringify(join(unpacked, native[0] ?? ''))} }).prepare('select 6 * 7 as n').get().n)`
    expect(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim()).toBe('42')
  })

  it('has a preload that is one CommonJS file and requires only electron', () => {
    expect(readdirSync(join(root, 'out/preload'))).toEqual(['index.cjs'])
    const preload = readFileSync(join(root, 'out/preload/index.cjs'), 'utf8')
    expect([...preload.matchAll(/require\(["'`]([^"'`]+)["'`]\)/g)].map((match) => match[1])).toEqual(['electron'])
    expect(preload).not.toMatch(/^\s*(import|export)\s/m)
    expect(preload.length).toBeLessThan(4096)
  })

  it('keeps electron out of every shell but the desktop', () => {
    const chunks = readdirSync(join(root, 'out/main'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.js'),
    )
    const importing = chunks.filter((file) =>
      /from ["']electron["']|require\(["']electron["']\)/.test(readFileSync(join(root, 'out/main', file), 'utf8')),
    )
    expect(importing).toEqual(['desktop.js'])
  })
})
