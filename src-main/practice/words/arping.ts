import type { Program } from '../machine/machine.ts'
import { readOptions, word, WordError } from './word.ts'

/** iputils' `arping -U [-q] [-c N] [-w N] -I eth0 [-s ADDRESS] ADDRESS`: a gratuitous ARP. Asking others (without -U) is refused. */
export const arping: Program = word((call) => {
  const { options, rest } = readOptions(call, 'Uqc:w:I:s:')
  const { network } = call.machine
  const [address, extra] = rest
  const device = options.get('I') ?? network.interfaceName
  if (address === undefined || extra !== undefined) throw new WordError('usage error: Destination address required', 2)
  if (device !== network.interfaceName) throw new WordError(`Device ${device} not available.`, 2)
  if (!options.has('U')) throw new WordError('a practice machine only announces addresses: use -U', 2)
  if (call.uid !== 0) throw new WordError('socket: Operation not permitted', 2)
  const source = options.get('s') ?? address
  if (source !== address || !network.addresses().some((one) => one.address === address)) {
    throw new WordError('bind: Cannot assign requested address', 2)
  }
  network.announce(address)
  if (!options.has('q'))
    call.stdout(
      `ARPING ${address} from ${source} ${device}\nSent ${options.get('c') ?? '1'} probes (1 broadcast(s))\nReceived 0 response(s)\n`,
    )
  return 0
})
