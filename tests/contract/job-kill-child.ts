import { openStore } from '../../src-main/store/open-store.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { createJobRunner } from '../../src-main/app/jobs/job-runner.ts'
import type { Store } from '../../src-main/app/ports/store.ts'
import { AppError } from '../../src-main/app/app-error.ts'
import { fileJob } from '../unit/jobs/file-job.ts'

/**
 * Runs one job over a store, and kills itself with SIGKILL at the n-th moment: each write to the journal and to the history has
 * a moment before and one after it, and so has each side effect. Without n it runs to the end and prints how many there were.
 * Usage: job-kill-child.ts <store folder> <file folder> <scenario> [n]
 */
const [storeFolder = '', files = '', scenario = '', killAt = ''] = process.argv.slice(2)
let moments = 0

function moment(): void {
  moments += 1
  if (moments === Number(killAt)) process.kill(process.pid, 'SIGKILL')
}

function watched<Repo extends object>(repo: Repo, writes: readonly string[]): Repo {
  return new Proxy(repo, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function' || !writes.includes(String(name))) return member
      return (...args: unknown[]): unknown => {
        moment()
        const result: unknown = Reflect.apply(member, target, args)
        moment()
        return result
      }
    },
  })
}

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const store: Store = openStore({ folder: storeFolder, clock: systemClock, log })
const definition = fileJob((at) => {
  if (at.startsWith('before') || at.startsWith('after')) moment()
  if (scenario === 'fails' && at === 'before apply c') throw new AppError('daemon.runtime-rejected', 'No such server.')
})
const runner = createJobRunner({
  repo: watched(store.jobs, ['create', 'updateJob', 'updateStep', 'appendCommand']),
  definitions: [definition],
  history: watched(store.history, ['append']),
  clock: systemClock,
  log,
  onChange: () => undefined,
})
const steps = scenario === 'fails' ? ['a', 'b', 'c'] : ['a', 'b']
const id = runner.start('test.file', { folder: files, steps, to: 'new' }, { requestedBy: 'test', reason: null })
await runner.settled(id)
store.close()
process.stdout.write(String(moments))
