import * as v from 'valibot'

export const FaultKind = v.picklist([
  'priority-drop',
  'keepalived-stop',
  'keepalived-kill',
  'balancer-crash',
  'balancer-hang',
  'adverts-blocked',
  'link-down',
  'isolate',
  'backend-loss',
  'site-loss',
])
export type FaultKind = v.InferOutput<typeof FaultKind>
export const FaultSpec = v.strictObject({ kind: FaultKind })
export type FaultSpec = v.InferOutput<typeof FaultSpec>
