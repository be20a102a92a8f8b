import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createJobRunner } from '../../src-main/app/jobs/job-runner.ts'
import { AppError } from '../../src-main/app/app-error.ts'
import { keptLog, tempFolder, tempStore } from '../unit/store/temp-store.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { fileJob, linesOf } from '../unit/jobs/file-job.ts'

/** Starting Node is most of the time, and it waits for the disk too. */
const CHILDREN_AT_ONCE = 4
const child = join(import.meta.dirname, 'job-kill-child.ts')

function runChild(args: readonly string[]): Promise<{ signal: string | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [child, ...args], { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ signal: error?.signal ?? null, stdout, stderr })
    })
  })
}

function folders(): { data: string; files: string } {
  const folder = tempFolder()
  const files = join(folder, 'files')
  mkdirSync(files)
  return { data: join(folder, 'data'), files }
}

/** What a restart makes of the folder that a killed process left behind. */
async function restart(data: string, scenario: string) {
  const { store } = tempStore(data)
  const definition = fileJob((at) => {
    if (scenario === 'fails' && at === 'before apply c') throw new AppError('daemon.runtime-rejected', 'No such server.')
  })
  const runner = createJobRunner({
    repo: store.jobs,
    definitions: [definition],
    history: store.history,
    clock: systemClock,
    log: keptLog(),
    onChange: () => undefined,
  })
  runner.resumeAll()
  const jobs = await Promise.all(runner.list({ limit: 10 }).map(({ id }) => runner.settled(id)))
  const history = store.history.list({ limit: 10 }).map(({ kind }) => kind)
  // The locks are gone: the same nodes can be taken again.
  const again =
    jobs[0] &&
    runner.start('test.file', { folder: '/nonexistent', steps: ['a', 'b'], to: 'x' }, { requestedBy: 't', reason: null })
  if (again !== undefined) await runner.settled(again)
  return { outcomes: jobs.map(({ outcome }) => outcome), history }
}

describe.each([
  { scenario: 'succeeds', outcome: 'succeeded', a: ['new'], b: ['new'] },
  { scenario: 'fails', outcome: 'rolled-back', a: ['new', 'start'], b: ['new', 'start'] },
])('a job that $scenario, killed with SIGKILL before and after every write and every side effect', (expected) => {
  it('is finished by the next start with every effect exactly once', { timeout: 300_000 }, async () => {
    const whole = folders()
    const { stdout, stderr } = await runChild([whole.data, whole.files, expected.scenario])
    const moments = Number(stdout)
    expect(moments, stderr).toBeGreaterThan(20)
    const seen: Record<number, unknown> = {}
    const wanted: Record<number, unknown> = {}
    const killAt = async (n: number): Promise<void> => {
      const { data, files } = folders()
      const { signal } = await runChild([data, files, expected.scenario, String(n)])
      const { outcomes, history } = await restart(data, expected.scenario)
      seen[n] = { signal, outcomes, history, a: linesOf(files, 'a'), b: linesOf(files, 'b') }
      // Before the job was journaled there is no job, and nothing was done.
      wanted[n] =
        n === 1
          ? { signal: 'SIGKILL', outcomes: [], history: [], a: [], b: [] }
          : {
              signal: 'SIGKILL',
              outcomes: [expected.outcome],
              history: ['operation.ended', 'operation.started'],
              a: expected.a,
              b: expected.b,
            }
    }
    const left = Array.from({ length: moments }, (_, i) => i + 1)
    const worker = async (): Promise<void> => {
      for (let n = left.pop(); n !== undefined; n = left.pop()) await killAt(n)
    }
    await Promise.all(Array.from({ length: CHILDREN_AT_ONCE }, worker))
    expect(seen).toEqual(wanted)
  })
})
