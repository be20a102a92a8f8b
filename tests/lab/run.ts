import { spawn } from 'node:child_process'

export interface RunResult {
  code: number
  stdout: string
  stderr: string
}

/**
 * Run a program to its end and give back what it said; a non-zero exit is a result. Ended by SIGKILL after `timeoutMs`, and by the
 * kernel when this process dies: an `up` that is killed must not go on changing things through a program that it had started.
 */
export function tryRun(
  argv: readonly [string, ...string[]],
  options: { stdin?: string; timeoutMs?: number } = {},
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('setpriv', ['--pdeathsig=KILL', '--', ...argv], {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 30_000,
      killSignal: 'SIGKILL',
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.on('error', reject)
    child.on('close', (code, signal) =>
      resolve({
        code: code ?? 128,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString() + (signal ? `\nended by ${signal}` : ''),
      }),
    )
    // a program that exits without reading its input closes the pipe early; its exit code tells what happened
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.stdin ?? '')
  })
}

/** As `tryRun`, but a non-zero exit is an error that shows the command and what it said. Gives back stdout. */
export async function run(
  argv: readonly [string, ...string[]],
  options: { stdin?: string; timeoutMs?: number } = {},
): Promise<string> {
  const result = await tryRun(argv, options)
  if (result.code !== 0)
    throw new Error(`${argv.join(' ')} ended with ${result.code}: ${(result.stderr || result.stdout).trim()}`)
  return result.stdout
}

/** Ask until the answer is yes. @throws Error with `what` when `timeoutMs` has passed */
export async function waitUntil(
  what: string,
  timeoutMs: number,
  condition: () => boolean | Promise<boolean>,
  intervalMs = 150,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain: ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, intervalMs))
  }
}
