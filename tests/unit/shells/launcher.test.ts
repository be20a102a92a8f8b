/** resources/evenkeel.mjs, the package's bin: what it says on a Node that cannot run the application. */
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const launcher = resolve(import.meta.dirname, '../../../resources/evenkeel.mjs')
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-launcher-'))
  mkdirSync(join(folder, 'resources'))
  mkdirSync(join(folder, 'out/main'), { recursive: true })
  copyFileSync(launcher, join(folder, 'resources/evenkeel.mjs'))
  for (const shell of ['cli', 'browser']) {
    writeFileSync(
      join(folder, `out/main/${shell}.js`),
      `console.log('${shell}', ...process.argv.slice(2)); process.exitCode = 4`,
    )
  }
  // What this Node says of itself is all the launcher looks at.
  writeFileSync(
    join(folder, 'old-node.mjs'),
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, napi: '9', node: '20.20.2' } })`,
  )
})
afterEach(() => rmSync(folder, { recursive: true }))

function launch(args: string[], options: { old?: boolean } = {}) {
  const pretend = options.old ? ['--import', pathToFileURL(join(folder, 'old-node.mjs')).href] : []
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...pretend, join(folder, 'resources/evenkeel.mjs'), ...args],
    { encoding: 'utf8' },
  )
  return { status, stdout: stdout.trim(), stderr: stderr.trim() }
}

describe('the launcher', () => {
  it('hands words to the command line and passes its exit code on', () => {
    expect(launch(['servers', '--json'])).toMatchObject({ status: 4, stdout: 'cli servers --json' })
  })

  it('hands start and serve to the browser shell where Electron is not there', () => {
    expect(launch(['start'])).toMatchObject({ stdout: 'browser start' })
    expect(launch(['serve', '--port', '8080'])).toMatchObject({ stdout: 'browser serve --port 8080' })
  })

  it('prefers Electron for start, never for serve', () => {
    const dist = join(folder, 'node_modules/electron/dist')
    mkdirSync(dist, { recursive: true })
    writeFileSync(join(folder, 'node_modules/electron/path.txt'), 'electron')
    writeFileSync(join(dist, 'electron'), '#!/bin/sh\necho electron "$@"\n')
    chmodSync(join(dist, 'electron'), 0o755)
    expect(launch(['start']).stdout).toBe(`electron ${folder}`)
    expect(launch(['serve']).stdout).toBe('browser serve')
  })

  it('says in one sentence that this Node is too old, and does not crash', () => {
    const { status, stdout, stderr } = launch(['servers'], { old: true })
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(/^evenkeel: Node 20\.20\.2 is too old\. .*"npm ci"/)
  })

  it('uses the Node that npm installed beside it when its own is too old', () => {
    const bin = join(folder, 'node_modules/.bin')
    mkdirSync(bin, { recursive: true })
    writeFileSync(join(bin, 'node'), '#!/bin/sh\necho bundled node\n')
    chmodSync(join(bin, 'node'), 0o755)
    expect(launch(['servers'], { old: true }).stdout).toBe('bundled node')
  })
})
