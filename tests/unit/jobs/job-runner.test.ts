import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { JobView } from '#contract'
import { AppError } from '../../../src-main/app/app-error.ts'
import type { Clock } from '../../../src-main/app/ports/clock.ts'
import { createJobRunner } from '../../../src-main/app/jobs/job-runner.ts'
import { testClock } from '../app/fakes.ts'
import { keptLog, stillClock, tempFolder, tempStore } from '../store/temp-store.ts'
import { fileJob, linesOf, lost, type Trouble } from './file-job.ts'

const by = { requestedBy: 'mk (test)', reason: 'because' }

function rig(trouble?: Trouble, more: { version?: number; clock?: Clock } = {}) {
  const { store, folder, clock } = tempStore()
  const files = tempFolder()
  const changes: JobView[] = []
  const runnerWith = (other?: Trouble, version = more.version) =>
    createJobRunner({
      repo: store.jobs,
      definitions: [fileJob(other, version)],
      history: store.history,
      clock: more.clock ?? patientClock(clock),
      log: keptLog(),
      onChange: (job) => changes.push(job),
    })
  const input = (steps: string[], to = 'new') => ({ folder: files, steps, to })
  return {
    store,
    folder,
    files,
    changes,
    runner: runnerWith(trouble),
    runnerWith,
    input,
    lines: (s: string) => linesOf(files, s),
  }
}

/** Waits between attempts are over at once; deadlines and graces (5 s and more) never come. */
function patientClock(base: Clock): Clock {
  return {
    now: () => base.now(),
    monotonic: () => base.monotonic(),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
        if (ms <= 4000) setImmediate(resolve)
      }),
  }
}

describe('a job', () => {
  it('runs its steps in order and journals intent, success, commands and history', async () => {
    const { runner, input, lines, store, changes } = rig()
    const id = runner.start('test.file', input(['a', 'b']), by)
    const job = await runner.settled(id)
    expect(job).toMatchObject({
      state: 'ended',
      outcome: 'succeeded',
      requestedBy: 'mk (test)',
      reason: 'because',
      error: null,
    })
    expect(job.steps.map(({ state, commands }) => [state, commands.map(({ command }) => command)])).toEqual([
      ['done', ['write new']],
      ['done', ['write new']],
    ])
    expect([lines('a'), lines('b')]).toEqual([['new'], ['new']])
    expect(store.jobs.get(id)?.steps.map(({ intent, attempt }) => [intent, attempt])).toEqual([
      [{ before: 'start' }, 1],
      [{ before: 'start' }, 1],
    ])
    expect(store.history.list({ limit: 9 }).map(({ kind, data }) => [kind, data['outcome']])).toEqual([
      ['operation.ended', 'succeeded'],
      ['operation.started', undefined],
    ])
    expect(changes.map(({ steps }) => steps[0]?.state)).toContain('intended')
    expect(changes.at(-1)?.outcome).toBe('succeeded')
  })

  it('has its intent on disk before it applies anything', async () => {
    const seen: unknown[] = []
    const { runner, input, folder } = rig((moment) => {
      if (!moment.startsWith('before apply')) return
      const db = new Database(join(folder, 'console.db'), { readonly: true })
      seen.push(db.prepare('select state, intent_json from job_step').raw().all())
      db.close()
    })
    await runner.settled(runner.start('test.file', input(['a']), by))
    expect(seen).toEqual([[['intended', '{"before":"start"}']]])
  })

  it('refuses a node that another job holds, names that job, and lets go at its end', async () => {
    let open = (): void => undefined
    const gate = new Promise<void>((resolve) => (open = resolve))
    const { runner, input } = rig((moment) => (moment === 'before apply a' ? gate : undefined))
    const first = runner.start('test.file', input(['a', 'b']), by)
    expect(() => runner.start('test.file', input(['b']), by)).toThrow(
      expect.objectContaining({ code: 'job.conflict', message: expect.stringContaining(first) }),
    )
    open()
    expect((await runner.settled(first)).outcome).toBe('succeeded')
    expect((await runner.settled(runner.start('test.file', input(['b'], 'newer'), by))).outcome).toBe('succeeded')
  })

  it('that fails with nothing done yet has failed', async () => {
    const { runner, input, lines } = rig((moment) => {
      if (moment === 'before apply a') throw new AppError('daemon.runtime-rejected', 'No such server.')
    })
    const job = await runner.settled(runner.start('test.file', input(['a', 'b']), by))
    expect(job).toMatchObject({ outcome: 'failed', error: { code: 'daemon.runtime-rejected', effect: 'none' } })
    expect(job.steps.map(({ state }) => state)).toEqual(['failed', 'skipped'])
    expect(lines('a')).toEqual([])
  })

  it('that fails half-way undoes what was done, in reverse', async () => {
    const order: string[] = []
    const { runner, input, lines } = rig((moment) => {
      if (moment.startsWith('before undo')) order.push(moment)
      if (moment === 'before apply c') throw new AppError('daemon.runtime-rejected', 'No such server.')
    })
    const job = await runner.settled(runner.start('test.file', input(['a', 'b', 'c', 'd']), by))
    expect(job).toMatchObject({ outcome: 'rolled-back', error: { code: 'job.rolled-back', effect: 'none' } })
    expect(job.steps.map(({ state }) => state)).toEqual(['undone', 'undone', 'failed', 'skipped'])
    expect(order).toEqual(['before undo b', 'before undo a'])
    expect([lines('a'), lines('b'), lines('c'), lines('d')]).toEqual([['new', 'start'], ['new', 'start'], [], []])
  })

  it('whose undo fails says which steps are still in force, and undoes the others', async () => {
    const { runner, input, lines } = rig((moment) => {
      if (moment === 'before apply c' || moment === 'before undo b') throw new AppError('daemon.runtime-rejected', 'No.')
    })
    const job = await runner.settled(runner.start('test.file', input(['a', 'b', 'c']), by))
    expect(job).toMatchObject({ outcome: 'rollback-failed', error: { code: 'job.rollback-failed', effect: 'applied' } })
    expect(job.error?.message).toContain('Set b to new')
    expect(job.error?.message).not.toContain('Set a to new')
    expect([lines('a'), lines('b')]).toEqual([['new', 'start'], ['new']])
  })

  it('does not undo over what someone else changed since', async () => {
    const { runner, input, lines, files } = rig((moment) => {
      if (moment !== 'before apply b') return
      appendFileSync(join(files, 'a.txt'), 'by hand\n')
      throw new AppError('daemon.runtime-rejected', 'No.')
    })
    const job = await runner.settled(runner.start('test.file', input(['a', 'b']), by))
    expect(job.outcome).toBe('rollback-failed')
    expect(lines('a')).toEqual(['new', 'by hand'])
  })
})

describe('an effect that is not known', () => {
  it('is asked for, and adopted when it happened', async () => {
    let lostOnce = false
    const { runner, input, lines } = rig((moment) => {
      if (moment !== 'after apply a' || lostOnce) return
      lostOnce = true
      throw lost('unknown')
    })
    expect((await runner.settled(runner.start('test.file', input(['a']), by))).outcome).toBe('succeeded')
    expect(lines('a')).toEqual(['new'])
  })

  it('is asked for, and the step is repeated when it did not happen', async () => {
    let lostOnce = false
    const { runner, input, lines } = rig((moment) => {
      if (moment !== 'before apply a' || lostOnce) return
      lostOnce = true
      throw lost('unknown')
    })
    const job = await runner.settled(runner.start('test.file', input(['a']), by))
    expect(job.outcome).toBe('succeeded')
    expect(lines('a')).toEqual(['new'])
  })

  it('that never takes is given up after three attempts', async () => {
    let attempts = 0
    const { runner, input } = rig((moment) => {
      if (moment !== 'before apply a') return
      attempts += 1
      throw lost('unknown')
    })
    const job = await runner.settled(runner.start('test.file', input(['a']), by))
    expect([job.outcome, attempts]).toEqual(['failed', 3])
  })

  it('waits, with its locks, while the node cannot be asked, and goes on when told', async () => {
    let away = true
    const { runner, input, lines, store } = rig((moment) => {
      if (away && moment !== 'prepare a' && moment !== 'before apply a') throw lost('unknown')
    })
    const id = runner.start('test.file', input(['a', 'b']), by)
    const paused = await runner.settled(id)
    expect(paused).toMatchObject({ state: 'paused', outcome: null, error: { code: 'job.outcome-unknown', effect: 'unknown' } })
    expect(paused.steps[0]?.state).toBe('unknown')
    expect(() => runner.start('test.file', input(['a']), by)).toThrow(expect.objectContaining({ code: 'job.conflict' }))
    runner.resume(id)
    expect((await runner.settled(id)).state).toBe('paused')
    away = false
    runner.resumeAll()
    expect((await runner.settled(id)).outcome).toBe('succeeded')
    expect([lines('a'), lines('b')]).toEqual([['new'], ['new']])
    expect(store.history.list({ limit: 9, subject: id })).toHaveLength(2)
  })

  it('in a state that is neither before nor after is left to the operator', async () => {
    const { runner, input, lines, files } = rig((moment) => {
      if (moment !== 'after apply a') return
      appendFileSync(join(files, 'a.txt'), 'by hand\n')
      throw lost('unknown')
    })
    const job = await runner.settled(runner.start('test.file', input(['a', 'b']), by))
    expect(job.outcome).toBe('needs-operator')
    expect([lines('a'), lines('b')]).toEqual([['new', 'by hand'], []])
  })
})

describe('stopping', () => {
  it('by the operator undoes what was done after the step under way', async () => {
    const { runner, input, lines } = rig((moment, { jobId }) => {
      if (moment === 'before apply b') runner.cancel(jobId)
    })
    const job = await runner.settled(runner.start('test.file', input(['a', 'b', 'c']), by))
    expect(job).toMatchObject({ outcome: 'cancelled', error: null })
    expect([lines('a'), lines('b'), lines('c')]).toEqual([['new', 'start'], ['new', 'start'], []])
    expect(() => runner.cancel(job.id)).toThrow(expect.objectContaining({ code: 'job.conflict' }))
  })

  it('of the application leaves the job paused, and the next start goes on', async () => {
    let stopping: Promise<void> | null = null
    const { runner, runnerWith, input, lines, store } = rig((moment) => {
      if (moment === 'before apply a') stopping = runner.shutdown('host-shutdown')
    })
    const id = runner.start('test.file', input(['a', 'b']), by)
    await runner.settled(id)
    await stopping
    expect(store.jobs.get(id)).toMatchObject({ state: 'paused', cancelReason: 'host-shutdown', outcome: null })
    expect([lines('a'), lines('b')]).toEqual([['new'], []])
    expect(() => runner.start('test.file', input(['c']), by)).toThrow(expect.objectContaining({ code: 'request.cancelled' }))
    const next = runnerWith()
    next.resumeAll()
    expect((await next.settled(id)).outcome).toBe('succeeded')
    expect([lines('a'), lines('b')]).toEqual([['new'], ['new']])
  })

  it.each(['comes back', 'does not come back'])(
    'leaves a step that has not begun waiting for a daemon that is down, and %s',
    async (daemon) => {
      let now = 1_700_000_000_000
      let down = true
      let stopping: Promise<void> | null = null
      const clock = patientClock({ ...stillClock(), now: () => now })
      const { runner, runnerWith, input, lines } = rig(
        (moment) => {
          if (moment === 'before apply a') stopping = runner.shutdown('host-shutdown')
        },
        { clock },
      )
      const id = runner.start('test.file', input(['a', 'b']), by)
      await runner.settled(id)
      await stopping
      const next = runnerWith((moment) => {
        if (moment === 'prepare b' && down) throw new AppError('daemon.not-running', 'HAProxy on b does not run.')
      })
      for (const passedMs of [0, 9 * 60_000]) {
        now += passedMs
        next.resumeAll()
        expect(await next.settled(id)).toMatchObject({ state: 'paused', error: { message: 'HAProxy on b does not run.' } })
      }
      expect(lines('a'), 'what was done stays done').toEqual(['new'])
      if (daemon === 'comes back') down = false
      else now += 60_000
      next.resumeAll()
      expect((await next.settled(id)).outcome).toBe(down ? 'rolled-back' : 'succeeded')
      expect([lines('a'), lines('b')]).toEqual(down ? [['new', 'start'], []] : [['new'], ['new']])
    },
  )

  it('looks at a job that waits for a daemon when its patience is over, though nothing came back', async () => {
    let stopping: Promise<void> | null = null
    const clock = testClock()
    const { runner, runnerWith, input, lines } = rig(
      (moment) => {
        if (moment === 'before apply a') stopping = runner.shutdown('host-shutdown')
      },
      { clock },
    )
    const id = runner.start('test.file', input(['a', 'b']), by)
    await runner.settled(id)
    await stopping
    const next = runnerWith((moment) => {
      if (moment === 'prepare b') throw new AppError('daemon.not-running', 'HAProxy on b does not run.')
    })
    next.resumeAll()
    expect((await next.settled(id)).state).toBe('paused')
    await clock.advance(9 * 60_000)
    expect(next.get(id).state).toBe('paused')
    await clock.advance(2 * 60_000)
    expect((await next.settled(id)).outcome).toBe('rolled-back')
    expect(lines('a')).toEqual(['new', 'start'])
  })

  it('a paused job may be abandoned by whoever looks after its nodes: it ends, with its outcome unknown, and its locks are free', async () => {
    const { runner, input } = rig((moment) => {
      if (moment === 'after apply b' || moment === 'probe b') throw lost('unknown')
    })
    const id = runner.start('test.file', input(['a', 'b']), by)
    expect((await runner.settled(id)).state).toBe('paused')
    runner.abandon(id)
    expect(runner.get(id)).toMatchObject({
      state: 'ended',
      outcome: 'failed',
      error: { code: 'job.outcome-unknown', effect: 'unknown' },
      steps: [{ state: 'done' }, { state: 'unknown' }],
    })
    expect((await runner.settled(runner.start('test.file', input(['a'], 'newer'), by))).outcome).toBe('succeeded')
  })

  it('because the lease was lost writes nothing more', async () => {
    let after: unknown
    const { runner, input, store } = rig((moment, { jobId }) => {
      if (moment !== 'before apply a') return
      void runner.shutdown('lease-lost')
      after = store.jobs.get(jobId)
    })
    const id = runner.start('test.file', input(['a', 'b']), by)
    await runner.settled(id)
    expect(store.jobs.get(id)).toEqual(after)
    expect(store.jobs.unfinished().map((job) => job.id)).toEqual([id])
  })

  it('a paused job by the operator undoes it', async () => {
    let away = true
    const { runner, input, lines } = rig((moment) => {
      if (away && (moment === 'after apply b' || moment === 'probe b')) throw lost('unknown')
    })
    const id = runner.start('test.file', input(['a', 'b']), by)
    expect((await runner.settled(id)).state).toBe('paused')
    away = false
    runner.cancel(id)
    expect((await runner.settled(id)).outcome).toBe('cancelled')
    expect([lines('a'), lines('b')]).toEqual([
      ['new', 'start'],
      ['new', 'start'],
    ])
  })
})

describe('an unfinished job of another release', () => {
  const leftBehind = async () => {
    const parts = rig((moment) => {
      if (moment === 'before apply b' || moment === 'probe b') throw lost('unknown')
    })
    const id = parts.runner.start('test.file', parts.input(['a', 'b']), by)
    expect((await parts.runner.settled(id)).state).toBe('paused')
    return { ...parts, id }
  }

  it('whose plan would be another one is left to the operator', async () => {
    const { runnerWith, id, lines } = await leftBehind()
    const next = runnerWith(undefined, 2)
    next.resumeAll()
    expect(await next.settled(id)).toMatchObject({
      outcome: 'needs-operator',
      error: { code: 'job.quarantined', effect: 'unknown' },
    })
    expect(lines('b')).toEqual([])
  })

  it('whose input or intent does not parse is left to the operator', async () => {
    for (const damage of [`update job set input_json = '{}'`, `update job_step set intent_json = '{}'`]) {
      const { runnerWith, id, folder } = await leftBehind()
      const db = new Database(join(folder, 'console.db'))
      db.exec(damage)
      db.close()
      const next = runnerWith()
      next.resumeAll()
      expect(await next.settled(id)).toMatchObject({ outcome: 'needs-operator', error: { code: 'job.quarantined' } })
    }
  })
})

describe('undoing a finished job', () => {
  it('is a job of its own, once', async () => {
    const { runner, input, lines } = rig()
    const id = runner.start('test.file', input(['a', 'b']), by)
    expect((await runner.settled(id)).undo).toEqual({ possible: true, why: null })
    const back = runner.undo(id, by)
    expect(await runner.settled(back)).toMatchObject({ outcome: 'succeeded', undoes: id })
    expect([lines('a'), lines('b')]).toEqual([
      ['new', 'start'],
      ['new', 'start'],
    ])
    expect(runner.get(id)).toMatchObject({ undoneBy: back, undo: { possible: false } })
    expect(() => runner.undo(id, by)).toThrow(expect.objectContaining({ code: 'job.not-undoable' }))
  })

  it('of an unknown job is refused', () => {
    const { runner } = rig()
    expect(() => runner.undo('nothing' as never, by)).toThrow(expect.objectContaining({ code: 'job.not-found' }))
  })
})

describe('a deadline', () => {
  it('that passes while a step ignores it counts as not known, and the step is asked about', async () => {
    const base = stillClock()
    const { runner, input } = rig((moment) => (moment === 'after apply a' ? new Promise(() => undefined) : undefined), {
      clock: { ...patientClock(base), sleep: (_ms, signal) => sleepOneTurn(signal) },
    })
    const job = await runner.settled(runner.start('test.file', input(['a']), by))
    expect(job.outcome).toBe('succeeded')
    expect(job.steps[0]?.commands).toHaveLength(1)
  })
})

function sleepOneTurn(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    setImmediate(resolve)
  })
}
