// npm test: run all tests with a Node that can, and end with one line that says how many passed and failed.
//
// This file starts on any Node from 20 on and is plain JavaScript for that reason; the tests need Node-API 10 (better-sqlite3) and
// type stripping (the sources are TypeScript and run unbuilt).
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..')
const bin = join(root, 'node_modules', '.bin')
const args = process.argv.slice(2)

process.exitCode = isSuitable() ? await testAll() : await startAgain()

function isSuitable() {
  return Number(process.versions.napi) >= 10 && Boolean(process.features.typescript)
}

/** `npm ci` installs a Node beside the other dependencies, where there is one for this platform. */
async function startAgain() {
  const node = join(bin, process.platform === 'win32' ? 'node.cmd' : 'node')
  if (process.env.EVENKEEL_TEST_NODE || !existsSync(node)) {
    console.error(
      `Node ${process.versions.node} cannot run the tests: they need Node 22.18 or newer. ` +
        `Run "npm ci", which installs one where it can, or put a newer Node first on PATH.`,
    )
    return 1
  }
  return run(node, [join(root, 'tests', 'run.mjs'), ...args], { EVENKEEL_TEST_NODE: '1' })
}

async function testAll() {
  const chosen = args.flatMap((arg, index) =>
    arg === '--project' ? [args[index + 1]] : (arg.match(/^--project=(.*)$/)?.[1] ?? []),
  )
  const runs = (project) => chosen.length === 0 || chosen.includes(project)

  const notes = runs('lab') || runs('e2e') ? await prepareLab({ lab: runs('lab'), e2e: runs('e2e') }) : []
  // the walk through the practice fleet runs where no lab can
  if (runs('e2e')) {
    const code = await run('npm', ['run', '--silent', 'build'])
    if (code !== 0)
      return conclude({ passed: 0, failed: 1, skipped: 0, note: 'The build failed, and the tests in a browser need it.' })
  }

  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-test-'))
  try {
    const output = join(folder, 'results.json')
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${output}`]
    // Hundreds of processes run the sources unbuilt: what one has compiled the next need not.
    const environment = { NODE_COMPILE_CACHE: join(folder, 'compiled') }
    const code = await run(process.execPath, [vitest, 'run', ...reporters, ...args], environment)
    return report(code, output, notes)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Install what is missing where that is possible; gives back which projects will be skipped, and why. */
async function prepareLab(wanted) {
  const { missingPackages, whyNoLab } = await import('./lab/requirements.ts')
  const { canInstall, installPackages } = await import('./lab/packages.ts')
  const missing = missingPackages({ browser: wanted.e2e })
  if (missing.length > 0 && canInstall()) {
    console.log(`Installing Debian packages for the tests: ${missing.join(' ')}`)
    // what is still missing afterwards is named by whyNoLab
    await installPackages(missing).catch((error) => console.error(`They could not be installed: ${error.message}`))
  }
  const notes = []
  for (const project of ['lab', 'e2e']) {
    const reason = wanted[project] ? await whyNoLab({ browser: project === 'e2e' }) : null
    if (reason !== null) notes.push({ project, reason })
  }
  return notes
}

/** What vitest's own exit code and its JSON report say together; when they disagree the worse one counts. */
function report(code, output, notes) {
  if (!existsSync(output)) {
    return conclude({ passed: 0, failed: 1, skipped: 0, note: `vitest ended with ${code} before it could report.` })
  }
  const results = JSON.parse(readFileSync(output, 'utf8'))
  const tests = results.testResults.flatMap((file) => file.assertionResults)
  // a file that cannot even be loaded has no tests to count: it counts as one
  const brokenFiles = results.testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some(isFailed))
  for (const file of brokenFiles)
    console.log(`Failed as a whole: ${relative(root, file.name)}: ${firstLine(file.message) || 'see above'}`)
  const skipped = tests.filter((test) => test.status !== 'passed' && test.status !== 'failed')
  for (const test of skipped) console.log(`Skipped: ${test.fullName}`)
  for (const { project, reason } of notes) console.log(`Skipped: what needs the lab in project ${project}. ${reason}`)

  const passed = tests.filter((test) => test.status === 'passed').length
  const failed = tests.filter(isFailed).length + brokenFiles.length
  if (tests.length === 0 && failed === 0)
    return conclude({ passed: 0, failed: 1, skipped: 0, note: 'Not a single test was found.' })
  if (code !== 0 && failed === 0) {
    return conclude({
      passed,
      failed: 1,
      skipped: skipped.length,
      note: `No test failed, but vitest ended with ${code}: see above.`,
    })
  }
  return conclude({ passed, failed, skipped: skipped.length, note: null })
}

function isFailed(test) {
  return test.status === 'failed'
}

function firstLine(text) {
  return String(text ?? '')
    .trim()
    .split('\n')[0]
}

function conclude({ passed, failed, skipped, note }) {
  if (note !== null) console.log(note)
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  return failed > 0 ? 1 : 0
}

function run(program, programArgs, environment = {}) {
  return new Promise((done) => {
    const child = spawn(program, programArgs, {
      cwd: root,
      stdio: 'inherit',
      shell: process.platform === 'win32',
      env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, ...environment },
    })
    // the terminal sends Ctrl+C to both; the child cleans up (the lab), and this process reports what became of it
    const wait = () => undefined
    process.on('SIGINT', wait)
    child.on('error', (error) => {
      console.error(`${program} could not be started: ${error.message}`)
      done(127)
    })
    child.on('close', (code) => {
      process.off('SIGINT', wait)
      done(code ?? 1)
    })
  })
}
