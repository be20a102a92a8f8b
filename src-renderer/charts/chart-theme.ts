import { readonly, ref } from 'vue'

/** Canvas cannot use CSS variables, so the tokens are read when the theme changes and charts are drawn again. */
export interface ChartTheme {
  readonly line: string
  readonly text: string
  readonly strong: string
  readonly limit: string
  readonly page: string
  readonly fontCap: string
  readonly fontMono: string
  readonly series: { readonly 'c-1': string; readonly 'c-2': string; readonly 'c-3': string }
}

export function readChartTheme(element: Element): ChartTheme {
  const style = getComputedStyle(element)
  const token = (name: string) => style.getPropertyValue(name).trim()
  const size = token('--t-cap') || '10.5px'
  return {
    line: token('--line-1'),
    text: token('--fg-3'),
    strong: token('--fg-2'),
    limit: token('--st-degraded-hue'),
    page: token('--bg-1'),
    fontCap: `${size} ${token('--font-ui') || 'sans-serif'}`,
    fontMono: token('--font-mono') || 'monospace',
    series: { 'c-1': token('--c-1'), 'c-2': token('--c-2'), 'c-3': token('--c-3') },
  }
}

const version = ref(0)
let watching = false

/** A number that grows whenever the window's theme or density changes. One observer for the whole window, which lives as long. */
export function useThemeVersion() {
  if (!watching) {
    watching = true
    const changed = () => (version.value += 1)
    new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ['data-theme', 'data-density', 'lang'] })
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed)
  }
  return readonly(version)
}
