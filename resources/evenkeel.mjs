#!/usr/bin/env node
/**
 * The package's bin. Starts on any Node from 18 on, so that an unsuitable Node is a sentence and not a crash
 * (better-sqlite3 ends an older Node with SIGSEGV), then hands over to the right shell:
 *
 *   evenkeel start   the desktop application, or its browser shell in an app window, or its address
 *   evenkeel serve   the browser shell
 *   evenkeel …       the command line
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const args = process.argv.slice(2)
const out = join(root, 'out/main')

const NEEDED_NODE_API = 10

/** Young objects get 24 MB instead of up to 130: a large fleet's rounds would fill that before anything is collected, and in longer pauses. */
const NODE_FLAGS = ['--max-semi-space-size=8']

/** A Node that can run the application: this one, else the one that npm installed beside us. */
function suitableNode() {
  if (Number(process.versions.napi) >= NEEDED_NODE_API) return process.execPath
  const bundled = join(root, 'node_modules/.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
  return existsSync(bundled) ? bundled : null
}

/** Electron's binary, where it was downloaded; null where it cannot be had. */
function electronBinary() {
  try {
    const folder = join(root, 'node_modules/electron')
    const file = join(folder, 'dist', readFileSync(join(folder, 'path.txt'), 'utf8').trim())
    return existsSync(file) ? file : null
  } catch {
    return null
  }
}

/** In a fresh checkout the shells are built on first use; `npm start` and `npm run build` build them anew. */
function buildWhenMissing(node) {
  if (existsSync(join(out, 'cli.js'))) return
  process.stderr.write('evenkeel: building…\n')
  const electronVite = join(root, 'node_modules/electron-vite/bin/electron-vite.js')
  const result = spawnSync(node, [electronVite, 'build', '--logLevel', 'warn'], { cwd: root, stdio: ['ignore', 2, 2] })
  if (result.status !== 0) fail('the build failed; see above', 5)
}

function fail(message, code) {
  process.stderr.write(`evenkeel: ${message}\n`)
  process.exit(code)
}

/** Run the shell in the foreground: its signals, its terminal, its exit code. */
function run(program, programArgs) {
  const child = spawn(program, programArgs, { stdio: 'inherit', shell: program.endsWith('.cmd') })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(error.message, 5))
  child.on('exit', (code, signal) => process.exit(signal ? 128 : (code ?? 5)))
}

const node = suitableNode()
if (node === null) {
  fail(
    `Node ${process.versions.node} is too old. Evenkeel needs Node 22.14 or newer; "npm ci" in its folder installs one for Linux and Windows.`,
    2,
  )
}
buildWhenMissing(node)
const electron = args[0] === 'start' ? electronBinary() : null
if (electron !== null) run(electron, [root, ...args.slice(1)])
else run(node, [...NODE_FLAGS, join(out, args[0] === 'start' || args[0] === 'serve' ? 'browser.js' : 'cli.js'), ...args])
