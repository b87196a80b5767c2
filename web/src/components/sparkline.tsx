// A trend the size of a word. Gaps where there is no value; the last value is marked.
interface Props {
	values: (number | null)[]
	/** Said to those who do not see it, e.g. "62%, 58%, 71%". */
	label: string
	/** The range all lines of a table share; default: this line's own. */
	range?: [number, number]
	width?: number
	height?: number
}

const EDGE = 3

export function Sparkline({ values, label, range, width = 88, height = 24 }: Props) {
	const known = values.filter(value => value !== null)
	if (known.length === 0) return <span class="no-value" title="no value in any of these periods">–</span>
	const [low, high] = range ?? [Math.min(...known), Math.max(...known)]
	const x = (at: number) => EDGE + (values.length < 2 ? (width - 2 * EDGE) / 2 : (at * (width - 2 * EDGE)) / (values.length - 1))
	const y = (value: number) => (high === low ? height / 2 : height - EDGE - ((value - low) / (high - low)) * (height - 2 * EDGE))
	const points = values.map((value, at) => (value === null ? null : ([x(at), y(value)] as const)))
	const path = points.map((point, at) => (point ? `${at > 0 && points[at - 1] ? 'L' : 'M'}${point[0].toFixed(1)} ${point[1].toFixed(1)}` : '')).join('')
	const last = points.findLast(point => point !== null)!
	return (
		<svg class="sparkline" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
			<title>{label}</title>
			<path d={path} />
			{points.map((point, at) => point && !points[at - 1] && !points[at + 1] && <circle key={at} class="alone" cx={point[0]} cy={point[1]} r="1.5" />)}
			<circle cx={last[0]} cy={last[1]} r="2.4" />
		</svg>
	)
}
