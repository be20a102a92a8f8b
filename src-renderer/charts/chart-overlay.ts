import type { Chart, Plugin } from 'chart.js'
import type { ChartTheme } from './chart-theme.ts'

/** An operation on the time axis: a triangle for `drain`-like acts, a diamond for everything else. */
export interface ChartMark {
  readonly at: number
  readonly kind: string
  readonly label: string
}

export interface Overlay {
  theme: ChartTheme
  limit: number | undefined
  marks: readonly ChartMark[]
  /** where the pointer is, in pixels of the canvas, or null */
  pointerX: number | null
  formatValue(value: number): string
  formatTime(at: number): string
}

interface Label {
  readonly text: string
  readonly colour: string
  readonly x: number
  readonly y: number
}

type Area = Chart['chartArea']
const labelHeight = 13

function drawVertical(context: CanvasRenderingContext2D, area: Area, x: number, colour: string, dash: number[]) {
  context.save()
  context.strokeStyle = colour
  context.setLineDash(dash)
  context.beginPath()
  context.moveTo(Math.round(x) + 0.5, area.top)
  context.lineTo(Math.round(x) + 0.5, area.bottom)
  context.stroke()
  context.restore()
}

function drawMark(context: CanvasRenderingContext2D, area: Area, x: number, kind: string, colour: string) {
  drawVertical(context, area, x, colour, [1, 3])
  const y = area.top - 6
  context.save()
  context.strokeStyle = colour
  context.fillStyle = colour
  context.lineWidth = 1.3
  context.beginPath()
  if (kind === 'drain') {
    context.moveTo(x - 4, y - 4)
    context.lineTo(x + 4, y - 4)
    context.lineTo(x, y + 3)
    context.closePath()
    context.stroke()
  } else {
    context.moveTo(x, y - 4.5)
    context.lineTo(x + 4.5, y)
    context.lineTo(x, y + 4.5)
    context.lineTo(x - 4.5, y)
    context.closePath()
    context.fill()
  }
  context.restore()
}

/** The point of a line nearest in time to `at`; lines are short enough to be searched from the end. */
function nearest(points: readonly { x: number; y: number }[], at: number) {
  let best = points.at(-1)
  for (let index = points.length - 1; index >= 0; index -= 1) {
    const point = points[index]
    if (!point) continue
    if (best && Math.abs(point.x - at) > Math.abs(best.x - at)) break
    best = point
  }
  return best
}

function labelsAt(chart: Chart, overlay: Overlay, at: number | null): Label[] {
  const labels: Label[] = []
  const { x: xScale, y: yScale } = chart.scales
  if (!xScale || !yScale) return labels
  for (const dataset of chart.data.datasets) {
    const points = dataset.data as readonly { x: number; y: number }[]
    const point = at === null ? points.findLast((each) => !Number.isNaN(each.y)) : nearest(points, at)
    if (!point || Number.isNaN(point.y)) continue
    const text = `${dataset.label} ${overlay.formatValue(point.y)}`
    labels.push({
      text,
      colour: String(dataset.borderColor),
      x: xScale.getPixelForValue(point.x),
      y: yScale.getPixelForValue(point.y),
    })
  }
  return labels
}

/** Baselines of labels given from the lowest to the highest: above their points, never over each other, never outside. */
export function labelBaselines(ys: readonly number[], area: { top: number; bottom: number }): number[] {
  const baselines: number[] = []
  let floor = area.bottom
  for (const y of ys) {
    baselines.push(Math.min(y - 4, floor))
    floor = (baselines.at(-1) ?? floor) - labelHeight
  }
  let ceiling = area.top + labelHeight
  for (let index = baselines.length - 1; index >= 0; index -= 1) {
    const baseline = Math.max(ceiling, baselines[index] ?? ceiling)
    baselines[index] = baseline
    ceiling = baseline + labelHeight
  }
  return baselines
}

/** With a halo of the page, so that lines do not cross the text. */
function drawLabels(context: CanvasRenderingContext2D, area: Area, labels: readonly Label[], overlay: Overlay) {
  context.save()
  context.font = `600 ${overlay.theme.fontCap}`
  context.textBaseline = 'bottom'
  context.lineJoin = 'round'
  context.lineWidth = 3
  context.strokeStyle = overlay.theme.page
  const lowestFirst = [...labels].sort((a, b) => b.y - a.y)
  const baselines = labelBaselines(
    lowestFirst.map(({ y }) => y),
    area,
  )
  lowestFirst.forEach((label, index) => {
    const bottom = baselines[index] ?? label.y
    const width = context.measureText(label.text).width
    const left = Math.max(area.left + 2, Math.min(label.x - width - 4, area.right - width - 2))
    context.strokeText(label.text, left, bottom)
    context.fillStyle = label.colour
    context.fillText(label.text, left, bottom)
    context.beginPath()
    context.arc(label.x, label.y, 2.4, 0, 2 * Math.PI)
    context.fill()
  })
  context.restore()
}

/** Everything drawn over the lines: marks, the limit, the pointer's time and the labels that name the lines. */
export function createOverlayPlugin(overlay: Overlay): Plugin<'line'> {
  return {
    id: 'overlay',
    afterDatasetsDraw(chart) {
      const { ctx: context, chartArea: area } = chart
      const { x: xScale, y: yScale } = chart.scales
      if (!xScale || !yScale) return
      for (const mark of overlay.marks) {
        const x = xScale.getPixelForValue(mark.at)
        if (x >= area.left && x <= area.right) drawMark(context, area, x, mark.kind, overlay.theme.strong)
      }
      if (overlay.limit !== undefined) {
        const y = Math.round(yScale.getPixelForValue(overlay.limit)) + 0.5
        context.save()
        context.strokeStyle = overlay.theme.limit
        context.setLineDash([4, 3])
        context.beginPath()
        context.moveTo(area.left, y)
        context.lineTo(area.right, y)
        context.stroke()
        context.restore()
      }
      const pointed = overlay.pointerX !== null && overlay.pointerX >= area.left && overlay.pointerX <= area.right
      const at = pointed && overlay.pointerX !== null ? (xScale.getValueForPixel(overlay.pointerX) ?? null) : null
      if (at !== null && overlay.pointerX !== null) {
        drawVertical(context, area, overlay.pointerX, overlay.theme.strong, [])
        context.save()
        context.font = overlay.theme.fontCap
        context.fillStyle = overlay.theme.strong
        context.textBaseline = 'top'
        context.textAlign = overlay.pointerX > (area.left + area.right) / 2 ? 'right' : 'left'
        const shift = context.textAlign === 'right' ? -5 : 5
        context.fillText(overlay.formatTime(at), overlay.pointerX + shift, area.top)
        context.restore()
      }
      drawLabels(context, area, labelsAt(chart as Chart, overlay, at), overlay)
    },
  }
}
