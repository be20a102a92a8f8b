import type { ServerState } from '#contract'

const HEIGHT = 14
/** Height of a cell: what needs attention is tall, what an operator took out is low. */
const heights: Record<ServerState, number> = {
  up: 9,
  warming: 14,
  degraded: 14,
  down: 14,
  draining: 14,
  drained: 5,
  maintenance: 5,
  unchecked: 9,
  unknown: 9,
}
const WIDEST_CELL = 10

export interface HeatCell {
  x: number
  width: number
  state: ServerState
}

/** Cells of one strip. When there are more servers than pixels, a cell stands for several and shows the tallest (worst) of them. */
export function heatCells(states: readonly ServerState[], width: number): HeatCell[] {
  const count = states.length
  if (count === 0 || width <= 0) return []
  const pitch = Math.min(WIDEST_CELL + 1, width / count)
  if (pitch >= 2) {
    const gap = 1
    return states.map((state, index) => ({ x: index * pitch, width: Math.max(1, pitch - gap), state }))
  }
  const cells = Math.max(1, Math.floor(width))
  return Array.from({ length: cells }, (_, x) => {
    const from = Math.floor((x * count) / cells)
    const to = Math.max(from + 1, Math.floor(((x + 1) * count) / cells))
    return { x, width: 1, state: worstOf(states.slice(from, to)) }
  })
}

const severity: readonly ServerState[] = [
  'down',
  'degraded',
  'unknown',
  'draining',
  'warming',
  'maintenance',
  'drained',
  'unchecked',
  'up',
]
const worstOf = (states: readonly ServerState[]): ServerState => severity.find((state) => states.includes(state)) ?? 'unknown'

export function drawHeat(canvas: HTMLCanvasElement, states: readonly ServerState[]): void {
  const context = canvas.getContext('2d')
  if (!context) return
  const width = canvas.clientWidth
  const scale = devicePixelRatio || 1
  canvas.width = Math.round(width * scale)
  canvas.height = Math.round(HEIGHT * scale)
  context.setTransform(scale, 0, 0, scale, 0, 0)
  const style = getComputedStyle(canvas)
  const hue = (state: ServerState) => style.getPropertyValue(state === 'up' ? '--st-up-cell' : `--st-${state}-hue`).trim()
  for (const cell of heatCells(states, width)) drawCell(context, cell, hue(cell.state))
}

function drawCell(context: CanvasRenderingContext2D, { x, width, state }: HeatCell, colour: string): void {
  const height = heights[state]
  const y = HEIGHT - height
  context.fillStyle = colour
  context.strokeStyle = colour
  context.lineWidth = 1
  if ((state === 'unchecked' || state === 'unknown') && width >= 3) {
    context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1)
    if (state === 'unknown') hatch(context, x, y, width, height)
  } else if (state === 'down' && width >= 4) {
    // A notch in the upper edge: recognisable without its hue.
    context.beginPath()
    context.moveTo(x, y)
    context.lineTo(x + width * 0.3, y)
    context.lineTo(x + width * 0.5, y + 3)
    context.lineTo(x + width * 0.7, y)
    context.lineTo(x + width, y)
    context.lineTo(x + width, HEIGHT)
    context.lineTo(x, HEIGHT)
    context.fill()
  } else {
    context.fillRect(x, y, width, height)
  }
}

function hatch(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  context.save()
  context.beginPath()
  context.rect(x, y, width, height)
  context.clip()
  context.beginPath()
  for (let offset = -height; offset < width; offset += 3) {
    context.moveTo(x + offset, y + height)
    context.lineTo(x + offset + height, y)
  }
  context.stroke()
  context.restore()
}
