import type { CallName, contract } from '#contract'

type CommandName = { [N in CallName]: (typeof contract)[N]['kind'] extends 'command' ? N : never }[CallName]

/**
 * Which calls are commands. The contract knows, but importing its value would bring the schema library into the window;
 * the type makes the build fail when this list and the contract differ.
 */
const commands: Readonly<Record<CommandName, true>> = {
  'host.watch': true,
  'fleet.refresh': true,
  'inventory.putNode': true,
  'inventory.removeNode': true,
  'inventory.putSite': true,
  'inventory.removeSite': true,
  'inventory.putPair': true,
  'inventory.removePair': true,
  'inventory.import': true,
  'node.probe': true,
  'node.trustHostKey': true,
  'node.forgetHostKey': true,
  'vault.unlock': true,
  'vault.changeKey': true,
  'vault.putSecret': true,
  'vault.removeSecret': true,
  'server.setState': true,
  'drain.start': true,
  'drain.hold': true,
  'drain.resume': true,
  'drain.finishNow': true,
  'drain.putBack': true,
  'drain.goOn': true,
  'drain.stopHere': true,
  'job.cancel': true,
  'job.undo': true,
  'settings.put': true,
  'config.mirror': true,
  'draft.put': true,
  'draft.discard': true,
  'push.start': true,
  'push.rollback': true,
  'push.stop': true,
  'push.settle': true,
  'vips.moveBack': true,
  'drills.start': true,
  'drills.stop': true,
  'drills.stopAll': true,
  'drills.setLever': true,
  'drills.schedule': true,
  'drills.unschedule': true,
  'practice.open': true,
  'practice.close': true,
  'practice.do': true,
  'practice.revert': true,
}

export const isCommand = (name: CallName): boolean => Object.hasOwn(commands, name)
