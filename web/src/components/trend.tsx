// Lines over time (uPlot, fetched with the first chart). A dot is hollow where the value rests on few cases; gaps are where there is none.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Options } from 'uplot'
import { useStore } from '../lib/store'
import { theme } from '../lib/theme'
import { DataTable } from './table'

export interface Line {
	label: string
	values: (number | null)[]
	/** Where a value rests on few cases. */
	low?: boolean[]
	/** Name of a colour of the palette. */
	colour: 'on' | 'off-mark' | 'ink-3'
	dashed?: boolean
}

interface Props {
	periods: string[]
	lines: Line[]
	/** Both ends of the scale. */
	range: [number, number]
	text: (value: number) => string
	label: string
	height?: number
}

const colourOf = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()

function options(props: Props, width: number): Options {
	const { periods, lines, range, text, height = 220 } = props
	const axis = { stroke: colourOf('ink-3'), font: '12px system-ui, sans-serif', ticks: { show: false } }
	return {
		width, height,
		legend: { show: false },
		cursor: { show: false },
		scales: { x: { time: false, range: [-0.3, periods.length - 0.7] }, y: { range } },
		axes: [
			{ ...axis, grid: { show: false }, splits: () => every(periods.length, Math.max(1, Math.ceil((periods.length * 64) / width))), values: (_, at) => at.map(i => periods[i] ?? '') },
			{ ...axis, size: 46, grid: { stroke: colourOf('line'), width: 1 }, splits: () => [0, 0.25, 0.5, 0.75, 1].map(part => range[0] + part * (range[1] - range[0])), values: (_, at) => at.map(text) }
		],
		series: [{}, ...lines.map(line => ({
			label: line.label, stroke: colourOf(line.colour), width: 2, spanGaps: false, ...(line.dashed ? { dash: [5, 4] } : {}),
			points: { show: true, size: 6, width: 1.5, fill: colourOf('paper'), filter: (_: unknown, series: number) => dots(lines[series - 1]!) }
		}))]
	}
}

const every = (length: number, step: number): number[] => Array.from({ length }, (_, at) => at).filter(at => (length - 1 - at) % step === 0)

/** Dots stand where the line alone would not tell: at values of few cases, and at those without neighbours. */
const dots = (line: Line): number[] => line.values.flatMap((value, at) =>
	value !== null && (line.low?.[at] || (line.values[at - 1] == null && line.values[at + 1] == null)) ? [at] : [])

export function TrendChart(props: Props) {
	const room = useRef<HTMLDivElement>(null)
	const [failed, setFailed] = useState(false)
	const chosen = useStore(theme)
	const question = JSON.stringify([props.periods, props.lines, props.range])
	useEffect(() => {
		let chart: { destroy: () => void; setSize: (size: { width: number; height: number }) => void } | null = null
		let gone = false
		const observer = new ResizeObserver(([entry]) => entry && chart?.setSize({ width: Math.floor(entry.contentRect.width), height: props.height ?? 220 }))
		const draw = async () => {
			const { default: UPlot } = await import('uplot')
			if (gone || !room.current) return
			chart?.destroy()
			chart = new UPlot(options(props, Math.max(200, room.current.clientWidth)), [props.periods.map((_, at) => at), ...props.lines.map(line => line.values)], room.current)
		}
		const redraw = () => void draw().catch(() => setFailed(true))
		redraw()
		if (room.current) observer.observe(room.current)
		const dark = matchMedia('(prefers-color-scheme: dark)')
		dark.addEventListener('change', redraw)
		return () => {
			gone = true
			observer.disconnect()
			dark.removeEventListener('change', redraw)
			chart?.destroy()
		}
	}, [question, chosen])
	const spoken = props.lines.map(line => `${line.label}: ${props.periods.map((period, at) => `${period} ${line.values[at] == null ? 'no value' : props.text(line.values[at])}`).join(', ')}`).join('. ')
	return (
		<div class="trend">
			<ul class="trend-legend" aria-hidden="true">
				{props.lines.map(line => <li key={line.label}><span class={`trend-key is-${line.colour}`} /> {line.label}</li>)}
				{props.lines.some(line => line.low?.some(Boolean)) && <li><span class="trend-dot" /> few cases</li>}
			</ul>
			{failed ? <p class="no-value">The chart could not be loaded.</p> : <div ref={room} role="img" aria-label={`${props.label}. ${spoken}`} />}
		</div>
	)
}

export function TrendTable({ periods, lines, text, label }: Props) {
	const rows = periods.map((period, at) => ({ period, at }))
	return (
		<DataTable caption={label} rows={rows} rowKey={row => row.period} muted={row => lines.every(line => line.low?.[row.at])} columns={[
			{ key: 'period', label: 'Period', cell: row => row.period },
			...lines.map(line => ({ key: line.label, label: line.label, align: 'right' as const, cell: (row: { at: number }) => (line.values[row.at] == null ? '–' : text(line.values[row.at]!)) }))
		]} />
	)
}
