import { makeWorkplace, openConsole } from '../lab/console-on-lab.ts'
import { drainTable, measureHaproxy, measureNginx } from '../lab/drain-figures.ts'
import { currentInstance } from '../lab/instance.ts'
import { ensureLab, isUp } from '../lab/lab.ts'
import { whyNoLab } from '../lab/requirements.ts'

const ROUNDS = 3

/** What clients of every kind lose while all servers of a pool are taken out and put back, in the lab: the table of docs/drain.md. */
export async function benchDrain(): Promise<void> {
  const reason = await whyNoLab({ browser: false })
  if (reason !== null) return console.log(`\n(f) drains under load: skipped. ${reason}`)
  const wasUp = isUp(currentInstance())
  const lab = await ensureLab()
  const place = makeWorkplace()
  try {
    await lab.restoreAll()
    const imported = await place.evenkeel('inventory', 'import', lab.inventoryFile)
    if (imported.code !== 0) throw new Error(imported.stderr)
    const application = await openConsole(place)
    try {
      await application.client.call('fleet.refresh', {})
      const site = { lab, console: application, folder: place.home }
      const figures = [await measureHaproxy(site, ROUNDS), await measureNginx(site, ROUNDS)]
      console.log(
        `\n(f) requests and sessions lost while every server is taken out of both balancers and put back, ${ROUNDS} times\n`,
      )
      console.log(drainTable(figures))
    } finally {
      await application.close()
    }
  } finally {
    place.clear()
    if (wasUp) await lab.restoreAll()
    else await lab.down()
  }
}
