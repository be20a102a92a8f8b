/** `npm run bench [name …]`: speed claims, as ratios measured in one run. Names: parse, samples, poll, watch, practice, drain, recorder, push. */
import { benchDrain } from './drain.ts'
import { benchParse } from './parse-stats.ts'
import { benchPoll } from './poll-round.ts'
import { benchPractice } from './practice.ts'
import { benchPush } from './push.ts'
import { benchRecorder } from './recorder.ts'
import { benchSamples } from './samples.ts'
import { benchWatch } from './watch.ts'

const benches: Record<string, () => Promise<void>> = {
  parse: benchParse,
  samples: benchSamples,
  poll: benchPoll,
  watch: benchWatch,
  practice: benchPractice,
  drain: benchDrain,
  recorder: benchRecorder,
  push: benchPush,
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !Object.hasOwn(benches, name))
if (unknown.length > 0) {
  console.error(`There is no bench named ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.`)
  process.exit(2)
}
console.log(`Node ${process.versions.node}, ${process.platform} ${process.arch}`)
for (const [name, bench] of Object.entries(benches)) {
  if (asked.length === 0 || asked.includes(name)) await bench()
}
