import { currentInstance } from './instance.ts'
import { up, down } from './up-down.ts'

const [verb = ''] = process.argv.slice(2)
const instance = currentInstance()
if (verb === 'up') await up(instance, { systemd: false })
else if (verb === 'down') await down(instance)
