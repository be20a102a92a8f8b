import type { ChartDataset, ChartOptions } from 'chart.js'
import { timeSpan, topValue, type ChartSeries } from './chart-summary.ts'
import { shortNumber, timeFormat, timeTicks, valueTicks } from './chart-ticks.ts'
import type { ChartTheme } from './chart-theme.ts'

const lineWidth = 1.35
const timeTickCount = 4

/** A gap is NaN for chart.js when it is not asked to parse. */
export function datasetsFrom(series: readonly ChartSeries[], theme: ChartTheme, stepped: boolean): ChartDataset<'line'>[] {
  return series.map(({ label, colour, points }, index) => ({
    label,
    data: points.map(({ at, value }) => ({ x: at, y: value ?? Number.NaN })),
    borderColor: theme.series[colour],
    // only the first line is filled: two translucent areas would mix into a third colour
    backgroundColor: `color-mix(in srgb, ${theme.series[colour]} 9%, transparent)`,
    fill: index === 0 ? 'origin' : false,
    borderWidth: lineWidth,
    stepped: stepped ? 'before' : false,
  }))
}

/** Linear axes in epoch ms and plain figures: no date adapter, and every tick is one of ours. */
export function optionsFrom(
  series: readonly ChartSeries[],
  setting: { theme: ChartTheme; locale: string; limit: number | undefined; marks: boolean },
): ChartOptions<'line'> {
  const { theme, locale } = setting
  const span = timeSpan(series)
  const from = span?.from ?? 0
  const to = span && span.to > span.from ? span.to : from + 1
  const format = timeFormat(to - from, timeTickCount, locale)
  const values = valueTicks(topValue(series, setting.limit))
  const font = { family: theme.fontMono, size: Number.parseFloat(theme.fontCap) || 10.5 }
  return {
    animation: false,
    parsing: false,
    normalized: true,
    responsive: true,
    maintainAspectRatio: false,
    events: [],
    spanGaps: false,
    layout: { padding: { top: setting.marks ? 14 : 4, left: 0, right: 0, bottom: 0 } },
    elements: { point: { radius: 0, hitRadius: 0, hoverRadius: 0 } },
    scales: {
      x: {
        type: 'linear',
        min: from,
        max: to,
        grid: { display: false },
        border: { display: false },
        afterBuildTicks: (axis) => {
          axis.ticks = timeTicks(from, to, timeTickCount).map((value) => ({ value }))
        },
        ticks: { color: theme.text, font, maxRotation: 0, autoSkip: false, callback: (value) => format.format(Number(value)) },
      },
      y: {
        type: 'linear',
        position: 'right',
        min: 0,
        max: values.at(-1) ?? 1,
        grid: { color: theme.line, drawTicks: false },
        border: { display: false },
        afterBuildTicks: (axis) => {
          axis.ticks = values.map((value) => ({ value }))
        },
        ticks: {
          color: theme.text,
          font,
          padding: 6,
          autoSkip: false,
          callback: (value) => shortNumber(Number(value), locale),
        },
      },
    },
  }
}
